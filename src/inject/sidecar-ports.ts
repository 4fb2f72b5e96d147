/** The ports that the sidecar listens on: nothing else in the pod may use them. */
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import { LARGEST_PORT } from '../support/port.ts';
import { quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import type { AnnotationName } from './annotations.ts';
import {
  ADMIN_PORT,
  DATAPLANE_DEFAULT_GRACEFUL_PORT,
  DATAPLANE_METRICS_PORT,
  INBOUND_PORT,
  READY_PORT,
} from './names.ts';
import type { Lifecycle } from './lifecycle-options.ts';
import type { Metrics } from './metrics-options.ts';
import { isTcp, longRunning, type Container, type Pod } from './pod.ts';
import type { PodService } from './service.ts';
import type { InjectSettings } from './settings.ts';

export type SidecarPort = {
  readonly number: number;
  readonly purpose: string;
  /** It takes datagrams too, as no other does. */
  readonly isOfBoth?: boolean;
  /** The annotation that changes it. */
  readonly movedBy?: AnnotationName;
};

type ProxySettings = Pick<InjectSettings, 'mode' | 'sidecarProxy'>;
type MetricsPorts = Pick<Metrics, 'port' | 'mergedPort'> | undefined;
type LifecyclePort = Pick<Lifecycle, 'gracefulPort'> | undefined;

/** In the order in which they are assigned; with several services those of each. Only the first has metrics. */
export function sidecarPorts(
  settings: ProxySettings,
  metrics: MetricsPorts,
  lifecycle: LifecyclePort,
  services: readonly Pick<PodService, 'name'>[] = [],
): readonly SidecarPort[] {
  const ofFirst = portsOfOne(settings, metrics, lifecycle);
  if (services.length < 2) return ofFirst;
  const repeated = portsOfOne(settings, undefined, lifecycle);
  const others = services.slice(1).flatMap(({ name }, index) =>
    repeated.map((port) => ({
      ...port,
      number: port.number + index + 1,
      purpose: `${port.purpose} of ${quote(name)}`,
    })),
  );
  return [...ofFirst, ...others];
}

function portsOfOne(
  { mode, sidecarProxy }: ProxySettings,
  metrics: MetricsPorts,
  lifecycle: LifecyclePort,
): readonly SidecarPort[] {
  return [
    { number: INBOUND_PORT, purpose: 'inbound traffic of the mesh' },
    ...(mode === 'agent' && sidecarProxy === 'builtin'
      ? []
      : [{ number: ADMIN_PORT, purpose: "Envoy's admin interface" }]),
    ...(metrics === undefined
      ? []
      : [{ number: metrics.port, purpose: 'metrics', movedBy: 'prometheus-scrape-port' } as const]),
    ...(mode === 'dataplane' ? dataplanePorts(metrics, lifecycle) : []),
  ];
}

/** Those of consul-dataplane itself: pkg/consuldp/lifecycle.go and metrics.go. */
function dataplanePorts(metrics: MetricsPorts, lifecycle: LifecyclePort): SidecarPort[] {
  return [
    { number: READY_PORT, purpose: "Envoy's health endpoint" },
    {
      number: lifecycle?.gracefulPort ?? DATAPLANE_DEFAULT_GRACEFUL_PORT,
      purpose: 'the lifecycle endpoints',
      ...(lifecycle === undefined ? {} : { movedBy: 'sidecar-proxy-lifecycle-graceful-port' }),
    },
    ...(metrics === undefined
      ? []
      : [
          { number: metrics.mergedPort, purpose: 'merged metrics', movedBy: 'merged-metrics-port' } as const,
          { number: DATAPLANE_METRICS_PORT, purpose: 'the metrics of consul-dataplane' },
        ]),
  ];
}

/** The containers of the author that run at the same time as the sidecar. */
export function besideSidecar(pod: Pod, nativeSidecar: boolean): readonly Container[] {
  return nativeSidecar ? [...pod.containers, ...pod.initContainers] : longRunning(pod);
}

/** Pairs with the same number; empty when every port is different. */
export function clashingPorts(
  ports: readonly SidecarPort[],
): readonly (readonly [SidecarPort, SidecarPort])[] {
  const taken = new Map<number, SidecarPort>();
  return ports.flatMap((port) => {
    const first = taken.get(port.number);
    if (first !== undefined) return [[first, port] as const];
    taken.set(port.number, port);
    return [];
  });
}

export function describeClash(first: SidecarPort, second: SidecarPort): string {
  return `port ${first.number} is for ${second.purpose} and for ${first.purpose} of the sidecar`;
}

/** Two processes of a pod cannot listen on one port; the second one fails again and again. */
export function checkSidecarPorts(
  ports: readonly SidecarPort[],
  listeners: readonly Container[],
  services: readonly PodService[],
  reader: AnnotationReader,
): ReadonlyMap<number, SidecarPort> {
  const taken = new Map(ports.toReversed().map((port) => [port.number, port] as const));
  for (const [first, second] of clashingPorts(ports)) {
    // At least one of the two can be changed: the fixed ones are far apart.
    const movedBy = second.movedBy ?? first.movedBy;
    if (movedBy !== undefined) reader.problem(movedBy, `${describeClash(first, second)}; choose another one`);
  }
  for (const { port } of services) {
    const own = port === undefined ? undefined : taken.get(port);
    if (own !== undefined && reader.has('connect-service-port'))
      reader.problem('connect-service-port', `the sidecar uses port ${own.number} for ${own.purpose}`);
  }
  const above = ports.find(({ number, movedBy }) => number > LARGEST_PORT && movedBy !== undefined);
  if (above?.movedBy !== undefined)
    reader.problem(
      above.movedBy,
      `leaves no port for ${above.purpose}: it would be ${above.number}; choose a lower one`,
    );
  for (const { name, at, ports: declared } of listeners) {
    for (const port of declared) {
      const ours = taken.get(port.number);
      if (ours !== undefined && (isTcp(port) || (ours.isOfBoth === true && port.protocol === 'UDP')))
        reader.fieldProblem(`${at}.ports[${port.index}]`, `${declares(name)} ${port.number}, ${clash(ours)}`);
    }
  }
  return taken;
}

function declares(container: string): string {
  return `the container ${quote(container)} declares port`;
}

function clash({ purpose, movedBy }: SidecarPort): string {
  const way =
    movedBy === undefined ? '' : `, or move that of the sidecar with ${ANNOTATION_PREFIX}${movedBy}`;
  return `which the sidecar uses for ${purpose}; let the application listen on another one${way}`;
}
