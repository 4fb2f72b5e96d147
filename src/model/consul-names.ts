/** What Tandem writes into Consul and looks for there, and what Consul accepts: one table of ids, keys of meta, and limits. */

/** The owner of an instance or node; without it, or with another owner, it is never changed or removed. */
export const OWNER_META = 'tandem-owner';
/** What an instance was made from: `Service/<namespace>/<name>`. */
export const SOURCE_META = 'tandem-source';
/** Consul's user interface shows its value as the origin. */
export const EXTERNAL_SOURCE_META = 'external-source';
export const EXTERNAL_SOURCE = 'kubernetes';

/** Of instances of Services, under the keys of consul-k8s. */
export const NAMESPACE_META = 'external-k8s-ns';
export const REF_KIND_META = 'external-k8s-ref-kind';
export const REF_NAME_META = 'external-k8s-ref-name';
export const NODE_NAME_META = 'external-k8s-node-name';
export const ZONE_META = 'external-k8s-topology-zone';

/** Of instances of pods. */
export const POD_UID_META = 'pod-uid';
export const MANAGED_BY_META = 'managed-by';
export const MANAGED_BY = 'tandem';

/** What Tandem writes into the meta of a pod's instances. @param owner undefined where the webhook does not know its cluster */
export function podMeta(
  { name, uid, namespace }: { readonly name: string; readonly uid: string; readonly namespace: string },
  owner: string | undefined,
): readonly (readonly [key: string, value: string])[] {
  return [
    ['pod-name', name],
    [POD_UID_META, uid],
    ['k8s-namespace', namespace],
    [EXTERNAL_SOURCE_META, EXTERNAL_SOURCE],
    [MANAGED_BY_META, MANAGED_BY],
    ...(owner === undefined ? [] : [[OWNER_META, owner] as const]),
  ];
}

/** No annotation can set them. */
export const POD_META_KEYS: ReadonlySet<string> = new Set(
  podMeta({ name: '', uid: '', namespace: '' }, '').map(([key]) => key),
);

/** Of nodes without an agent. */
export const SYNTHETIC_META = 'synthetic-node';

export const CHECK_NAME = 'Kubernetes Readiness Check';
/**
 * TTL of that check at an agent. As long as Consul's own Kubernetes controllers use; the longest duration in Go is 292 years, and
 * an agent that restarts keeps the state of a check only while its TTL is not over.
 */
export const NEVER_EXPIRES = '100000h';

export function readinessCheckId(instance: string): string {
  return `${instance}-readiness`;
}

/** Consul's limits for the meta of a service (structs.ValidateServiceMetadata); keys and values are measured in bytes. */
export const META_PAIRS = 64;
export const META_KEY = /^[A-Za-z0-9_-]{1,128}$/;
export const META_VALUE_BYTES = 512;

/**
 * Consul accepts 128 operations since 1.14, and 64 before, which it says by a 413; and 512 KiB (`limits.txn_max_req_len`),
 * of which a quarter is kept in reserve.
 */
export const TRANSACTION_LIMITS = { operations: 128, bytes: 400_000 };
/** The smallest limit of a transaction that a server is known to have. */
export const LEAST_OPERATIONS = 64;
/** `/v1/internal/acl/authorize` (agent/acl_endpoint.go, `maxRequests`). */
export const RIGHTS_PER_REQUEST = 64;

/** A service that Consul itself has: no pod and no Service may take its name, nor the name of a proxy. */
const CONSUL = 'consul';

/** Every proxy is `<service>-sidecar-proxy` (Consul, "Sidecar Service Registration"). */
export const PROXY_SUFFIX = '-sidecar-proxy';

/** Who owns the name; undefined when it is free. Consul compares names in lower case. */
export function holderOf(service: string): 'servers' | 'proxies' | undefined {
  const name = service.toLowerCase();
  if (name === CONSUL) return 'servers';
  return name.endsWith(PROXY_SUFFIX) ? 'proxies' : undefined;
}

export function isReservedName(service: string): boolean {
  return holderOf(service) !== undefined;
}
