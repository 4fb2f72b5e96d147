/** Consul's side and the settings of a test. */
import type { ClusterNetwork } from '../../../../src/catalog/to-kubernetes/cluster-address.ts';
import type { ConsulInstance, ConsulList } from '../../../../src/catalog/to-kubernetes/consul-service.ts';
import type { ToK8sSettings } from '../../../../src/catalog/to-kubernetes/to-k8s-settings.ts';

export const SETTINGS: ToK8sSettings = {
  owner: 'c1',
  namespace: 'from-consul',
  prefix: '',
  mode: 'endpoints',
  services: ['*'],
  onlyTag: '',
  syncedTag: 'k8s',
  allowClusterAddresses: false,
  clusterDomain: 'cluster.local',
  domain: 'consul',
};

/** A cluster of which no range is known. */
export const NOWHERE: ClusterNetwork = { rangeOf: () => undefined };

export function listOf(
  services: Readonly<Record<string, readonly string[]>>,
  details: { readonly own?: readonly string[]; readonly filtered?: readonly string[] } = {},
): ConsulList {
  return {
    services: new Map(Object.entries(services)),
    own: new Set(details.own),
    filtered: details.filtered && new Set(details.filtered),
  };
}

export function instance(address: string, details: Partial<ConsulInstance> = {}): ConsulInstance {
  return { address, port: 8080, zone: undefined, isHealthy: true, ...details };
}
