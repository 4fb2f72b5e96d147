/** What Consul should have for an injected pod in dataplane mode: the service and its proxy, each with its check. */
import { CHECK_NAME, readinessCheckId, podMeta } from '../../model/consul-names.ts';
import { syntheticNodeName } from '../../inject/names.ts';
import type { MeshOptions } from '../../inject/read-registration.ts';
import { serviceAndProxy, TRANSPARENT, type Proxy, type Registration } from '../../model/registration.ts';
import { hostAndPort } from '../../support/ip-address.ts';
import type { Check, Instance } from '../../model/instance.ts';
import { metaOf } from '../to-consul/meta.ts';
import { addressOfNode, isIpv6, type MeshCluster } from './mesh-cluster.ts';
import { decidePod } from './decide-pod.ts';
import { METRICS_ADDRESS, servicesOf, sourceOfPod, type InjectedPod } from './registered-pod.ts';
import { serviceNameOf } from './mesh-service.ts';
import { wantedUpstream } from './proxy.ts';

/** A node of Consul without an agent, for the pods of one node of Kubernetes. */
export type SyntheticNode = { readonly name: string; readonly address: string };

export type PodRegistration = Registration &
  Instance & {
    readonly node: SyntheticNode;
    /** `Pod/<namespace>/<name>`. */
    readonly source: string;
    readonly uid: string;
  };

/** The node on which sidecars looked before `syntheticNodeName`; those that still run look there until their pods are replaced. */
export function legacyNodeName(node: string): string {
  return `${node}-virtual`;
}

/** Undefined in agent mode, and until the pod is scheduled. */
export function nodeOfPod({ injection, node }: InjectedPod, owner: string): string | undefined {
  if (node === undefined || injection.kind === 'agent') return undefined;
  const isLegacy = injection.kind === 'dataplane' && injection.asksOn.kind === 'legacy';
  return isLegacy ? legacyNodeName(node) : syntheticNodeName(owner, node);
}

/** Service and proxy, in the order in which Consul must get them; empty for a pod that the registrar does not register. */
export function registrationsOf(pod: InjectedPod, cluster: MeshCluster): readonly PodRegistration[] {
  return decidePod(pod, cluster) === 'registered' ? instancesOfPod(pod, cluster) : [];
}

/** Status of the readiness checks that the registrations have. */
export function readinessChecksOf(
  pod: InjectedPod,
  cluster: MeshCluster,
): readonly { readonly instance: string; readonly id: string; readonly status: Check['status'] }[] {
  if (decidePod(pod, cluster) !== 'registered') return [];
  if (pod.node === undefined || addressOfNode(pod, cluster) === undefined) return [];
  const { status } = readinessOf(pod);
  return instanceIdsOf(pod).map((instance) => ({ instance, id: readinessCheckId(instance), status }));
}

/** Of its services and their proxies; empty when its spec says nothing that can be registered. */
export function instanceIdsOf(pod: InjectedPod): readonly string[] {
  return servicesOf(pod).flatMap(({ serviceId, proxyId }) => [serviceId, proxyId]);
}

/**
 * Of a pod in any mode; empty while the address of its node is not known, and when its spec says nothing that can be registered.
 * A pod without an address has instances without one: the sidecar asks for its configuration only once, and that may be before
 * anybody else knows the address. Nobody routes to them, because they are critical.
 */
export function instancesOfPod(pod: InjectedPod, cluster: MeshCluster): readonly PodRegistration[] {
  const { node } = pod;
  const address = addressOfNode(pod, cluster);
  if (node === undefined || address === undefined) return [];
  const registrations = servicesOf(pod).flatMap((mesh, index) => {
    // Only a pod with a single service can get its name from anything but its annotation.
    const name = index === 0 ? serviceNameOf(pod, cluster)?.name : mesh.service.name;
    return name === undefined ? [] : registrationsOfService(pod, mesh, name, cluster);
  });
  return registrations.map((each) => ({
    ...each,
    node: { name: nodeOfPod(pod, cluster.owner) ?? node, address },
    source: sourceOfPod(pod),
    uid: pod.uid,
    weight: 1,
    check: { id: readinessCheckId(each.id), name: CHECK_NAME, ...readinessOf(pod) },
  }));
}

function registrationsOfService(
  pod: InjectedPod,
  mesh: MeshOptions,
  name: string,
  cluster: MeshCluster,
): readonly Registration[] {
  const { serviceId, inboundPort, service, upstreams, isTransparent, exposed } = mesh;
  return serviceAndProxy(
    {
      id: serviceId,
      name,
      address: pod.podIp ?? '',
      port: service.port ?? 0,
      tags: service.tags,
      meta: metaOf([...service.meta, ...podMeta(pod, cluster.owner)]),
    },
    inboundPort,
    {
      upstreams: upstreams.map(wantedUpstream),
      config: configOf(pod, mesh, cluster),
      mode: isTransparent ? TRANSPARENT : '',
      exposed,
    },
  );
}

/**
 * Without `bind_address` Envoy listens on the address of the instance, and its listener would move when the address arrives. A
 * sidecar that an earlier version injected keeps its listener on its address; that of agent mode has its own registration.
 */
function configOf(pod: InjectedPod, { config }: MeshOptions, cluster: MeshCluster): Proxy['config'] {
  const { injection } = pod;
  if (injection.kind !== 'dataplane' || injection.asksOn.kind === 'legacy') return config;
  const any = isIpv6(pod, cluster) ? '::' : '0.0.0.0';
  const metrics = config[METRICS_ADDRESS];
  const port = typeof metrics === 'string' ? ofAnyAddress(metrics, pod) : undefined;
  return {
    bind_address: any,
    ...config,
    ...(port === undefined ? {} : { [METRICS_ADDRESS]: hostAndPort(any, port) }),
  };
}

/** The port of a listener on the address of the pod, or on all of them; undefined for one that its author put elsewhere. */
function ofAnyAddress(listener: string, { podIp = '' }: InjectedPod): number | undefined {
  const [, host, port] = /^\[?(.*?)\]?:([0-9]+)$/.exec(listener) ?? [];
  return host === podIp || host === '0.0.0.0' ? Number(port) : undefined;
}

/** A pod that terminates is critical at once: its readiness probe may still succeed. */
export function readinessOf(pod: InjectedPod): Pick<Check, 'status' | 'output'> {
  if (pod.stage === 'terminating') return { status: 'critical', output: 'the pod is terminating' };
  if (pod.podIp === undefined) return { status: 'critical', output: 'the pod has no address yet' };
  if (pod.isReady) return { status: 'passing', output: 'the pod is ready' };
  return { status: 'critical', output: pod.readinessMessage || 'the pod is not ready' };
}
