/** The flags of the catalog sync, shared by `sync`, `plan`, `explain` and `dev`, and the settings that they make. */
import { policies } from '../catalog/to-consul/policy.ts';
import type { ToConsulSettings } from '../catalog/to-consul/to-consul-settings.ts';
import { boolean, list, oneOf, parsed, string, type Parsed } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';

export const toConsulFlags = {
  k8sAllowNamespaces: list(
    'Namespaces whose Services are synced; * is all of them, an empty list none.',
    'NAMES',
    ['*'],
  ),
  k8sDenyNamespaces: list('Namespaces whose Services are never synced; beats the allow list.', 'NAMES', [
    'kube-system',
    'kube-public',
  ]),
  defaultSync: boolean('Sync Services that have no service-sync annotation.', true),
  syncClusteripServices: boolean('Sync Services of type ClusterIP.', true),
  syncLbServicesEndpoints: boolean(
    'Register the endpoints of LoadBalancer Services instead of their ingress addresses.',
    false,
  ),
  nodePortSyncType: oneOf(
    'Address of a node that is registered for NodePort Services.',
    ['ExternalFirst', 'ExternalOnly', 'InternalOnly'],
    'ExternalFirst',
  ),
  multiPort: oneOf(
    'per-port registers <service>-<port name> for every port beside the default one.',
    ['default', 'per-port'],
    'default',
  ),
  consulServicePrefix: string('In front of the default name of every service.', 'TEXT', ''),
  addK8sNamespaceSuffix: boolean('Add -<namespace> to the default name of every service.', false),
  consulK8sTag: string('First tag of every instance; empty for none.', 'TAG', 'k8s'),
  notReady: oneOf(
    'Endpoints that are not ready: registered as critical, or left out.',
    ['critical', 'omit'],
    'critical',
  ),
  terminating: oneOf(
    'Endpoints that are terminating: removed at once, or critical until they are gone.',
    ['remove', 'critical'],
    'remove',
  ),
  enableIngress: boolean('Register the hosts of Ingresses whose backends are synced.', false),
  ingressAddress: oneOf(
    'Address of such an instance: the host of the rule, or the address of the load balancer.',
    ['host', 'load-balancer'],
    'host',
  ),
  ingressMode: oneOf(
    'Whether the instances of an Ingress replace those of the endpoints, or are added to them.',
    ['replace', 'add'],
    'replace',
  ),
  consulDomain: string(
    "Domain of Consul's DNS, for the ExternalName Services that are made; no registered name may point into it.",
    'DOMAIN',
    'consul',
  ),
  clusterDomain: string('Domain of the DNS of the cluster.', 'DOMAIN', 'cluster.local'),
  owner: parsed(
    'Sets the instances of this cluster apart; by default from the UID of the kube-system namespace.',
    'ID',
    undefined as string | undefined,
    ownerName,
  ),
  consulNodeName: string('Node of the instances; k8s-sync-<owner> by default.', 'NAME', undefined),
  policy: oneOf('What may happen to instances that are there.', policies, 'sync'),
};

type ToConsulValues = FlagValues<typeof toConsulFlags>;

/** @param owner the flag's, or what was read from the cluster */
export function toConsulSettings(values: ToConsulValues, owner: string): ToConsulSettings {
  return {
    owner,
    allowNamespaces: values.k8sAllowNamespaces,
    denyNamespaces: values.k8sDenyNamespaces,
    defaultSync: values.defaultSync,
    syncClusterIpServices: values.syncClusteripServices,
    syncLoadBalancerEndpoints: values.syncLbServicesEndpoints,
    nodePortSyncType: values.nodePortSyncType,
    multiPort: values.multiPort,
    servicePrefix: values.consulServicePrefix,
    addNamespaceSuffix: values.addK8sNamespaceSuffix,
    tag: values.consulK8sTag,
    notReady: values.notReady,
    terminating: values.terminating,
    enableIngress: values.enableIngress,
    ingressAddress: values.ingressAddress,
    ingressMode: values.ingressMode,
    consulDomain: values.consulDomain,
    clusterDomain: values.clusterDomain,
  };
}

/** The node on which everything of this owner is registered. */
export function syncNodeName(values: ToConsulValues, owner: string): string {
  return values.consulNodeName ?? `k8s-sync-${owner}`;
}

/**
 * It becomes part of node names, which Consul's DNS serves: RFC 1035 allows a label of 63, and `k8s-sync-` takes 9. With
 * `sync` in front, the node of pods in dataplane mode, `k8s-<owner>-<node>`, could be that of a catalog sync.
 */
export function ownerName(text: string): Parsed<string | undefined> {
  if (/^sync(-|$)/.test(text))
    return {
      ok: false,
      expected: 'a name other than "sync" or "sync-…", which are for the nodes of the sync',
    };
  return /^[a-z0-9]([a-z0-9-]{0,52}[a-z0-9])?$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, expected: '1 to 54 of a-z 0-9 and -, beginning and ending with a letter or digit' };
}
