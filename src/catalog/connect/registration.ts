/** What Consul shall have of an injected pod in dataplane mode: the service and its proxy, each with its check. */
import { INBOUND_PORT } from '../../inject/names.ts';
import { LOOPBACK } from '../../inject/upstream.ts';
import {
  byText,
  CHECK_NAME,
  EXTERNAL_SOURCE,
  EXTERNAL_SOURCE_META,
  OWNER_META,
  readinessCheckId,
  type Check,
  type Instance,
} from '../instance.ts';
import { decidePod } from './decide.ts';
import { meshOf, sourceOfPod, type InjectedPod, type MeshOptions } from './pod.ts';
import { upstreamOf, type Proxy } from './proxy.ts';

/** A node of Consul without an agent, for the pods of one node of Kubernetes. */
export type SyntheticNode = { readonly name: string; readonly address: string };

export type Registration = Instance & {
  readonly node: SyntheticNode;
  /** `Pod/<namespace>/<name>`. */
  readonly source: string;
  readonly uid: string;
  /** Undefined for the service itself. */
  readonly proxy: Proxy | undefined;
};

export const POD_UID_META = 'pod-uid';
export const MANAGED_BY_META = 'managed-by';
export const MANAGED_BY = 'tandem';

/**
 * Where the sidecars of a node of Kubernetes look for their registrations: two clusters may have equal names of nodes, and those
 * of consul-k8s end in `-virtual`.
 */
export function syntheticNodeName(node: string, owner: string): string {
  return `k8s-${owner}-${node}`;
}

/** Where they looked before: sidecars that run go on to look there until their pods are replaced. */
export function legacyNodeName(node: string): string {
  return `${node}-virtual`;
}

/** Undefined in agent mode, and until the pod is scheduled. */
export function nodeOfPod({ injection, node }: InjectedPod, owner: string): string | undefined {
  if (node === undefined || injection.kind === 'agent') return undefined;
  const isLegacy = injection.kind === 'dataplane' && injection.asksOn.kind === 'legacy';
  return isLegacy ? legacyNodeName(node) : syntheticNodeName(node, owner);
}

/** Service and proxy, in the order in which Consul must get them; empty for a pod that the registrar does not register. */
export function registrationsOf(pod: InjectedPod, owner: string): readonly Registration[] {
  return decidePod(pod, owner) === 'registered' ? instancesOf(pod, owner) : [];
}

/** Of a pod in any mode; empty while it has no addresses, and when its spec says nothing that can be registered. */
export function instancesOf(pod: InjectedPod, owner: string): readonly Registration[] {
  const { node, hostIp, podIp } = pod;
  const mesh = meshOf(pod);
  if (mesh === undefined || node === undefined || hostIp === undefined || podIp === undefined) return [];
  const { serviceId, proxyId, service, upstreams, config } = mesh;
  const common = {
    node: { name: nodeOfPod(pod, owner) ?? node, address: hostIp },
    source: sourceOfPod(pod),
    uid: pod.uid,
    address: podIp,
    tags: service.tags,
    meta: metaOf(pod, service.meta, owner),
    weight: 1,
  };
  const proxy: Proxy = {
    destinationName: service.name,
    destinationId: serviceId,
    localAddress: service.port === undefined ? '' : LOOPBACK,
    localPort: service.port ?? 0,
    upstreams: upstreams.map(upstreamOf),
    config,
  };
  return [
    {
      ...common,
      id: serviceId,
      name: service.name,
      port: service.port ?? 0,
      check: checkOf(pod, serviceId),
      proxy: undefined,
    },
    {
      ...common,
      id: proxyId,
      name: `${service.name}-sidecar-proxy`,
      port: INBOUND_PORT,
      check: checkOf(pod, proxyId),
      proxy,
    },
  ];
}

function metaOf(pod: InjectedPod, ofAuthor: MeshOptions['service']['meta'], owner: string): Instance['meta'] {
  const own: readonly (readonly [string, string])[] = [
    ['pod-name', pod.name],
    [POD_UID_META, pod.uid],
    ['k8s-namespace', pod.namespace],
    [EXTERNAL_SOURCE_META, EXTERNAL_SOURCE],
    [MANAGED_BY_META, MANAGED_BY],
    [OWNER_META, owner],
  ];
  return Object.fromEntries([...ofAuthor, ...own].toSorted(([left], [right]) => byText(left, right)));
}

function checkOf(pod: InjectedPod, id: string): Check {
  return { id: readinessCheckId(id), name: CHECK_NAME, ...readinessOf(pod) };
}

/** A pod that terminates is critical at once: its readiness probe may go on to succeed. */
export function readinessOf(pod: InjectedPod): Pick<Check, 'status' | 'output'> {
  if (pod.stage === 'terminating') return { status: 'critical', output: 'the pod is terminating' };
  if (pod.isReady) return { status: 'passing', output: 'the pod is ready' };
  return { status: 'critical', output: pod.readinessMessage || 'the pod is not ready' };
}
