/** What the operator decided about Consul → Kubernetes. */

export const toK8sModes = ['endpoints', 'external-name'] as const;

/** Which instances count as healthy: those without a critical check, as in Consul's DNS, or those whose checks all pass. */
export const toK8sHealthRules = ['not-critical', 'passing'] as const;

export type HealthRule = (typeof toK8sHealthRules)[number];

export type ToK8sSettings = {
  /** This cluster: instances with this owner in Consul never come back, and objects with it in Kubernetes are ours. */
  readonly owner: string;
  /** All objects are there, and nothing else is checked. */
  readonly namespace: string;
  /** In front of the name of every Service. */
  readonly prefix: string;
  readonly mode: (typeof toK8sModes)[number];
  /** Globs; a service is taken when one matches. */
  readonly services: readonly string[];
  /** Only services that carry this tag; empty: all. */
  readonly onlyTag: string;
  /** What the other direction puts on everything that it registers; empty: nothing. */
  readonly syncedTag: string;
  /** Instances may have addresses that lead into the cluster. */
  readonly allowClusterAddresses: boolean;
  /** `cluster.local`, the domain of the cluster's DNS. */
  readonly clusterDomain: string;
  /** `consul`, the domain of Consul's DNS. */
  readonly domain: string;
};
