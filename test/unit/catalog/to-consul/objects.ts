/** Kubernetes objects as the API server lists them, and settings, with what a test does not care about filled in. */
import assert from 'node:assert/strict';
import type { Instance, ObservedInstance } from '../../../../src/model/instance.ts';
import {
  readEndpointSlice,
  readIngress,
  readNode,
  readService,
  type EndpointSlice,
  type Ingress,
  type Node,
  type Service,
} from '../../../../src/model/kubernetes-objects.ts';
import {
  desired,
  type Desired,
  type RelatedObjects,
} from '../../../../src/catalog/to-consul/desired-instances.ts';
import type { ToConsulSettings } from '../../../../src/catalog/to-consul/to-consul-settings.ts';

export const SETTINGS: ToConsulSettings = {
  owner: 'c1',
  allowNamespaces: ['*'],
  denyNamespaces: ['kube-system', 'kube-public'],
  defaultSync: true,
  syncClusterIpServices: true,
  syncLoadBalancerEndpoints: false,
  nodePortSyncType: 'ExternalFirst',
  multiPort: 'default',
  servicePrefix: '',
  addNamespaceSuffix: false,
  tag: 'k8s',
  notReady: 'critical',
  terminating: 'remove',
  enableIngress: false,
  ingressAddress: 'host',
  ingressMode: 'replace',
  consulDomain: 'consul',
  clusterDomain: 'cluster.local',
};

export const NODE = 'k8s-sync-c1';
export const SCOPE = { owner: 'c1', node: NODE };

const HTTP = [{ name: 'http', port: 80, nodePort: 30080, targetPort: 8080 }];

type ServiceParts = {
  readonly metadata?: object;
  readonly spec?: object;
  readonly annotations?: Readonly<Record<string, unknown>>;
  readonly loadBalancer?: readonly object[];
};

/** `default/web` of type ClusterIP with the port `http`; `annotations` without their prefix. */
export function service({
  metadata = {},
  spec = {},
  annotations = {},
  loadBalancer = [],
}: ServiceParts = {}): Service {
  const prefixed = Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [`consul.hashicorp.com/${name}`, value]),
  );
  const read = readService({
    metadata: { name: 'web', namespace: 'default', uid: 'u1', annotations: prefixed, ...metadata },
    spec: { type: 'ClusterIP', ports: HTTP, ...spec },
    status: { loadBalancer: { ingress: loadBalancer } },
  });
  assert.ok(read);
  return read;
}

/** An endpoint of the pod `p-<address>` on `node-1`. */
export function endpoint(address: string, parts: object = {}): object {
  return {
    addresses: [address],
    conditions: { ready: true },
    nodeName: 'node-1',
    zone: 'z1',
    targetRef: { kind: 'Pod', name: `p-${address}` },
    ...parts,
  };
}

/** A slice of `default/web` with the port `http` at 8080. */
export function slice(endpoints: readonly object[], parts: object = {}): EndpointSlice {
  const read = readEndpointSlice({
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints,
    ...parts,
  });
  assert.ok(read);
  return read;
}

export function node(name: string, addresses: Readonly<Record<string, string>>, zone?: string): Node {
  const read = readNode({
    metadata: { name, labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone } },
    status: { addresses: Object.entries(addresses).map(([type, address]) => ({ type, address })) },
  });
  assert.ok(read);
  return read;
}

export function ingress(spec: object, loadBalancer: readonly object[] = []): Ingress {
  const read = readIngress({
    metadata: { name: 'front', namespace: 'default' },
    spec,
    status: { loadBalancer: { ingress: loadBalancer } },
  });
  assert.ok(read);
  return read;
}

/** A rule of an Ingress that sends everything to one Service. */
export function rule(host: string | undefined, name = 'web'): object {
  return { host, http: { paths: [{ path: '/', backend: { service: { name, port: { number: 80 } } } }] } };
}

export function related(
  parts: Partial<Omit<RelatedObjects, 'node'>> & { readonly nodes?: readonly Node[] } = {},
): RelatedObjects {
  const { slices = [], ingresses = [], nodes = [] } = parts;
  return { slices, ingresses, node: (name) => nodes.find((each) => each.name === name) };
}

export type Synced = Extract<Desired, { kind: 'sync' }>;

/** What is desired of a Service that is synced. */
export function synced(
  of: Service,
  around: Parameters<typeof related>[0] = {},
  settings: Partial<ToConsulSettings> = {},
): Synced {
  const result = desired(of, related(around), { ...SETTINGS, ...settings });
  assert.equal(result.kind, 'sync');
  return result;
}

/** `address:port status`, in order: enough to see what Consul would be asked. */
export function endpointsOf({ instances }: { readonly instances: readonly Instance[] }): string[] {
  return instances
    .map(({ address, port, check }) => `${address}:${port} ${check?.status ?? 'unchecked'}`)
    .sort();
}

/** Like `endpointsOf` with the service's name in front. */
export function namedEndpointsOf({ instances }: { readonly instances: readonly Instance[] }): string[] {
  return instances.map(({ name, address, port }) => `${name} ${address}:${port}`).sort();
}

/** The reasons of the problems. */
export function reasonsOf({
  problems,
}: {
  readonly problems: readonly { readonly reason: string }[];
}): string[] {
  return problems.map(({ reason }) => reason);
}

/** As Consul would give the instance back. */
export function observed(instance: Instance, parts: Partial<ObservedInstance> = {}): ObservedInstance {
  return { ...instance, node: NODE, kind: '', warningWeight: 1, otherChecks: [], ...parts };
}
