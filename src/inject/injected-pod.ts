/** What an injected pod says of its place in the mesh: the webhook has resolved it, and it is read by the same parsers. */
import { asString, property } from '../support/json.ts';
import { annotationReader } from './annotation-reader.ts';
import { RECORD_ANNOTATION } from './annotations.ts';
import { readPod } from './pod.ts';
import { parseRecord } from './record.ts';
import type { Problem } from './result.ts';
import { readService, type Service } from './service.ts';
import type { Upstream } from './upstream.ts';
import { readUpstreams } from './upstreams.ts';

export type MeshOptions = {
  readonly service: Service;
  readonly upstreams: readonly Upstream[];
  /** Port of Envoy's Prometheus listener; undefined: it has none. */
  readonly metricsPort: number | undefined;
};

export type ReadMeshOptions =
  | { readonly ok: true; readonly options: MeshOptions }
  /** Somebody has changed the pod since it was injected. */
  | { readonly ok: false; readonly problems: readonly Problem[] };

// As the webhook takes it: below 1024 a non-root sidecar cannot bind.
const METRICS_PORTS = { min: 1024, max: 65_535 };
// What the webhook writes where it is not the default of its flag.
const DEFAULT_METRICS_PORT = 20_200;
// The webhook has checked the local ports against those of the sidecar, whose settings are not known here.
const NO_SIDECAR_PORTS: ReadonlyMap<number, string> = new Map();

/** The mode in which Tandem injected the pod; undefined when its record is missing or damaged. */
export function injectedMode(pod: unknown): 'agent' | 'dataplane' | undefined {
  const annotations = property(property(pod, 'metadata'), 'annotations');
  const mode = parseRecord(asString(property(annotations, RECORD_ANNOTATION)) ?? '')?.mode;
  return mode === 'agent' || mode === 'dataplane' ? mode : undefined;
}

/** @param pod as the API server has it. Throws on no input. */
export function readMeshOptions(pod: unknown): ReadMeshOptions {
  const read = readPod(pod);
  if (!read.ok) return read;
  const reader = annotationReader(read.pod.annotations);
  const hasMetrics = reader.boolean('enable-metrics', false);
  const port = reader.wholeNumber('prometheus-scrape-port', DEFAULT_METRICS_PORT, METRICS_PORTS);
  const options = {
    service: readService(read.pod, reader),
    upstreams: readUpstreams(read.pod, reader, NO_SIDECAR_PORTS),
    metricsPort: hasMetrics ? port : undefined,
  };
  return reader.problems.length > 0 ? { ok: false, problems: reader.problems } : { ok: true, options };
}
