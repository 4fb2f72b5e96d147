/** The whole change of one pod as plain data: the patch and the record are two views of it. */
import type { JsonObject } from '../support/json.ts';
import type { Addition } from './addition.ts';
import { DEFAULT_CONTAINER_ANNOTATION, PREFIX } from './annotations.ts';
import type { Options } from './options.ts';
import type { Pod } from './pod.ts';
import { drainedContainers } from './drain.ts';
import { upstreamVariables, type Variable } from './variables.ts';

export type Change = {
  readonly volumes: readonly JsonObject[];
  readonly initContainers: readonly JsonObject[];
  readonly containers: readonly JsonObject[];
  /** For every container of the author, except where the author defines one of that name. */
  readonly variables: readonly Variable[];
  /** Containers of the author that get the shared volume. */
  readonly mountContainers: ReadonlySet<string>;
  /** Containers of the author that wait before they stop, and how long. */
  readonly drainContainers: ReadonlySet<string>;
  readonly drainSeconds: number;
  readonly annotations: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
};

const STATUS = `${PREFIX}connect-inject-status`;
const INJECTED = 'injected';

export function changeOf(pod: Pod, options: Options, addition: Addition): Change {
  return {
    ...addition,
    variables: upstreamVariables(options.upstreams),
    mountContainers: new Set(options.mountContainers),
    drainContainers: new Set(drainedContainers(pod, options)),
    drainSeconds: options.drainSeconds,
    annotations: new Map([...writtenAnnotations(pod, options), ...addition.annotations]),
    labels: new Map([[STATUS, INJECTED]]),
  };
}

function writtenAnnotations(pod: Pod, { service, metrics }: Options): [string, string][] {
  const [first] = pod.containers;
  const whenAbsent: [string, string | undefined][] = [
    [`${PREFIX}connect-service`, service.name],
    [`${PREFIX}connect-service-port`, service.portText],
    // A flag may have asked for it, which whoever reads the pod does not see.
    [`${PREFIX}enable-metrics`, metrics && 'true'],
    [`${PREFIX}prometheus-scrape-port`, metrics && String(metrics.port)],
    [DEFAULT_CONTAINER_ANNOTATION, first?.name],
    ['prometheus.io/scrape', metrics && 'true'],
    ['prometheus.io/port', metrics && String(metrics.port)],
    ['prometheus.io/path', metrics?.path],
    ['prometheus.io/scheme', metrics?.tls && 'https'],
  ];
  return [
    [STATUS, INJECTED],
    ...whenAbsent.flatMap(([name, value]): [string, string][] =>
      value === undefined || Object.hasOwn(pod.annotations, name) ? [] : [[name, value]],
    ),
  ];
}
