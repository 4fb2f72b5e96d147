/** The flags of the catalog sync, shared by `sync`, `plan`, `explain` and `dev`, and the settings that they make. */
import { policies } from '../catalog/to-consul/policy.ts';
import type { ToConsulSettings } from '../catalog/to-consul/to-consul-settings.ts';
import { boolean, list, oneOf, parsed, string, type Parsed } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';

export const toConsulFlags = {
  k8sAllowNamespaces: list(
    'Namespaces whose Services are synced. * means all, an empty list means none.',
    'NAMES',
    ['*'],
  ),
  k8sDenyNamespaces: list(
    'Namespaces whose Services are never synced. Overrides --k8s-allow-namespaces.',
    'NAMES',
    ['kube-system', 'kube-public'],
  ),
  defaultSync: boolean('Sync Services that have no service-sync annotation.', true),
  syncClusteripServices: boolean('Sync Services of type ClusterIP.', true),
  syncLbServicesEndpoints: boolean(
    'Register the endpoints of LoadBalancer Services instead of the addresses of the load balancer.',
    false,
  ),
  nodePortSyncType: oneOf(
    'Which address of a node to register for NodePort Services.',
    ['ExternalFirst', 'ExternalOnly', 'InternalOnly'],
    'ExternalFirst',
  ),
  multiPort: oneOf(
    'per-port: also register <service>-<port name> for every port other than the default one.',
    ['default', 'per-port'],
    'default',
  ),
  consulServicePrefix: string('Prefix for default service names.', 'TEXT', ''),
  addK8sNamespaceSuffix: boolean('Add -<namespace> to default service names.', false),
  consulK8sTag: string('First tag of every instance. Empty means no tag.', 'TAG', 'k8s'),
  notReady: oneOf(
    'Endpoints that are not ready: critical registers them as critical, omit leaves them out.',
    ['critical', 'omit'],
    'critical',
  ),
  terminating: oneOf(
    'Endpoints that are terminating: remove deregisters them at once, critical keeps them as critical until they are gone.',
    ['remove', 'critical'],
    'remove',
  ),
  enableIngress: boolean('Register the hosts of Ingresses whose backends are synced.', false),
  ingressAddress: oneOf(
    'Address of an instance for an Ingress: the host of the rule, or the address of the load balancer.',
    ['host', 'load-balancer'],
    'host',
  ),
  ingressMode: oneOf(
    'replace: the instances of an Ingress replace those of the endpoints. add: they are added.',
    ['replace', 'add'],
    'replace',
  ),
  consulDomain: string(
    "Domain of Consul's DNS. ExternalName Services point into it; a Service that points into it is not registered.",
    'DOMAIN',
    'consul',
  ),
  clusterDomain: string("Domain of the cluster's DNS.", 'DOMAIN', 'cluster.local'),
  owner: parsed(
    'Name of this cluster in Consul. Tandem changes only instances with this owner. Default: from the UID of the namespace kube-system.',
    'ID',
    undefined as string | undefined,
    ownerName,
  ),
  consulNodeName: string(
    'Consul node on which Services are registered. Default: k8s-sync-<owner>.',
    'NAME',
    undefined,
  ),
  policy: oneOf(
    'What may change in Consul. sync: everything. upsert-only: no removals. create-only: no updates and no removals.',
    policies,
    'sync',
  ),
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
 * `sync` at the start of the owner, the node of pods in dataplane mode, `k8s-<owner>-<node>`, could be that of a catalog sync.
 */
export function ownerName(text: string): Parsed<string | undefined> {
  if (/^sync(-|$)/.test(text))
    return {
      ok: false,
      expected: 'a name other than "sync" or "sync-…"; those are reserved for the nodes of the sync',
    };
  return /^[a-z0-9]([a-z0-9-]{0,52}[a-z0-9])?$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, expected: '1 to 54 characters (a-z, 0-9, -) that begin and end with a letter or digit' };
}
