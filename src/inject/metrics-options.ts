/** Metrics of the sidecar: Envoy's Prometheus listener and, in dataplane mode, what consul-dataplane serves through it. */
import { UNPRIVILEGED_PORTS } from './names.ts';
import { quote } from '../support/text.ts';
import { isPathAndQuery, type AnnotationReader } from './annotation-reader.ts';
import type { AnnotationName } from './annotations.ts';
import { LOOPBACK } from '../model/registration.ts';
import { namedPorts, type Pod } from './pod.ts';
import type { PodService } from './service.ts';
import type { InjectSettings } from './settings.ts';

export type Metrics = {
  readonly port: number;
  readonly path: string;
  /** The author has no port with the name by which this one is found. */
  readonly isNamed: boolean;
  /** Dataplane mode: where consul-dataplane serves what Envoy's listener gives out. */
  readonly mergedPort: number;
  /** Dataplane mode: the application's metrics, served together with those of Envoy. */
  readonly serviceUrl: string | undefined;
  readonly tls: MetricsTls | undefined;
};

/** Paths in the sidecar. */
type MetricsTls = {
  /** A file or a folder. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
};

/** A PodMonitor finds the metrics by this name; names of ports are unique in a pod, and the author's come first. */
export const METRICS_PORT_NAME = 'prometheus';

/** Undefined: the sidecar serves none. */
export function readMetrics(
  pod: Pod,
  service: PodService,
  reader: AnnotationReader,
  settings: InjectSettings,
): Metrics | undefined {
  const enabled = reader.boolean('enable-metrics', settings.metrics);
  const metrics = {
    port: reader.wholeNumber('prometheus-scrape-port', settings.prometheusScrapePort, UNPRIVILEGED_PORTS),
    path: reader.path('prometheus-scrape-path', settings.prometheusScrapePath),
    isNamed: !hasPortName(pod, METRICS_PORT_NAME),
    mergedPort: reader.wholeNumber('merged-metrics-port', settings.mergedMetricsPort, UNPRIVILEGED_PORTS),
    ...dataplaneMetrics(pod, service, reader, settings),
  };
  if (enabled && settings.mode === 'agent' && settings.sidecarProxy === 'builtin') {
    if (reader.text('enable-metrics') !== undefined)
      reader.warn('no-effect', 'enable-metrics', "has no effect with Consul's built-in proxy");
    return undefined;
  }
  if (!enabled && settings.mode === 'dataplane') warnWithoutMetrics(reader);
  if (enabled && !metrics.isNamed)
    reader.warn(
      'taken-port-name',
      'enable-metrics',
      `the pod has a port ${quote(METRICS_PORT_NAME)} of its own, so the metrics port of the sidecar does not have that name`,
    );
  return enabled ? metrics : undefined;
}

/** Also read in agent mode: an error is an error in both modes, and a warning says that it has no effect there. */
function dataplaneMetrics(
  pod: Pod,
  service: PodService,
  reader: AnnotationReader,
  { mode, metricsMerging }: InjectSettings,
): Pick<Metrics, 'serviceUrl' | 'tls'> {
  const serviceUrl = readServiceUrl(pod, service, reader, metricsMerging);
  const tls = readTls(reader);
  return mode === 'dataplane' ? { serviceUrl, tls } : { serviceUrl: undefined, tls: undefined };
}

function hasPortName(pod: Pod, name: string): boolean {
  return [...pod.containers, ...pod.initContainers].some(({ ports }) =>
    ports.some((port) => port.name === name),
  );
}

const ONLY_WITH_METRICS = [
  'enable-metrics-merging',
  'prometheus-ca-file',
  'prometheus-ca-path',
  'prometheus-cert-file',
  'prometheus-key-file',
] as const satisfies readonly AnnotationName[];

function warnWithoutMetrics(reader: AnnotationReader): void {
  for (const name of ONLY_WITH_METRICS)
    if (reader.has(name)) reader.warn('no-effect', name, 'has no effect without enable-metrics');
}

function readServiceUrl(
  pod: Pod,
  service: PodService,
  reader: AnnotationReader,
  byDefault: boolean,
): string | undefined {
  const merged = reader.boolean('enable-metrics-merging', byDefault);
  const path = readServicePath(reader);
  const port = reader.port('service-metrics-port', service.port, namedPorts(pod));
  if (!merged) return undefined;
  if (port !== undefined) return `http://${LOOPBACK}:${port}${path}`;
  if (reader.has('enable-metrics-merging'))
    reader.warn(
      'no-effect',
      'enable-metrics-merging',
      'has no effect without service-metrics-port: the pod has no port',
    );
  return undefined;
}

/** Vault and Consul serve the format of Prometheus only with a query. */
function readServicePath(reader: AnnotationReader): string {
  const name = 'service-metrics-path';
  const path = reader.text(name) ?? '/metrics';
  if (!isPathAndQuery(path))
    reader.problem(name, `${quote(path)} is not a path such as /metrics, or one with a query`);
  return path;
}

/** All or nothing, as consul-dataplane has one flag for the CA, be it a file or a folder. */
function readTls(reader: AnnotationReader): MetricsTls | undefined {
  const file = reader.filePath('prometheus-ca-file');
  const folder = reader.filePath('prometheus-ca-path');
  const certificate = reader.filePath('prometheus-cert-file');
  const key = reader.filePath('prometheus-key-file');
  const given = [file, folder, certificate, key].filter((path) => path !== undefined);
  if (given.length === 0) return undefined;
  if (file !== undefined && folder !== undefined)
    reader.problem(
      'prometheus-ca-path',
      'cannot be set together with prometheus-ca-file; set one of the two',
    );
  const ca = file ?? folder;
  if (ca !== undefined && certificate !== undefined && key !== undefined) return { ca, certificate, key };
  const missing = (
    [['prometheus-ca-file', 'prometheus-ca-path'], ['prometheus-cert-file'], ['prometheus-key-file']] as const
  ).filter((names) => !names.some(reader.has));
  for (const [name] of missing)
    reader.problem(
      name,
      'is missing; TLS of the metrics port takes prometheus-ca-file or prometheus-ca-path, prometheus-cert-file and prometheus-key-file',
    );
  return undefined;
}
