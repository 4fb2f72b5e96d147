/** Everything that the operator decides about what Consul gets from Kubernetes. */

export type NodePortSyncType = 'ExternalFirst' | 'ExternalOnly' | 'InternalOnly';

export type ToConsulSettings = {
  /** Sets this cluster's instances apart from those of others that write to the same Consul. */
  readonly owner: string;
  /** `*` is every namespace. */
  readonly allowNamespaces: readonly string[];
  readonly denyNamespaces: readonly string[];
  /** For a Service without the annotation `service-sync`. */
  readonly defaultSync: boolean;
  readonly syncClusterIpServices: boolean;
  /** Registers the endpoints of a LoadBalancer Service instead of its ingress addresses. */
  readonly syncLoadBalancerEndpoints: boolean;
  readonly nodePortSyncType: NodePortSyncType;
  /** `per-port` adds `<service>-<port name>` for every port beside the default one. */
  readonly multiPort: 'default' | 'per-port';
  /** In front of the default name of a service. */
  readonly servicePrefix: string;
  /** Adds `-<namespace>` to the default name of a service. */
  readonly addNamespaceSuffix: boolean;
  /** The first tag of every instance; empty is none. */
  readonly tag: string;
  readonly notReady: 'critical' | 'omit';
  readonly terminating: 'remove' | 'critical';
  readonly enableIngress: boolean;
  readonly ingressAddress: 'host' | 'load-balancer';
  /** Whether the instances of an Ingress replace those of the endpoints, or are added to them. */
  readonly ingressMode: 'replace' | 'add';
  /** `consul`, the domain of Consul's DNS. */
  readonly consulDomain: string;
  /** `cluster.local`, the domain of the cluster's DNS. */
  readonly clusterDomain: string;
};
