/** Names of services that Consul and its proxies have, and no pod or Service may take. */

const CONSUL = 'consul';

/** Every proxy is `<service>-sidecar-proxy` (Consul, "Sidecar Service Registration"). */
export const PROXY_SUFFIX = '-sidecar-proxy';

/** Whose the name is; undefined when it is free. Consul compares names in lower case. */
export function holderOf(service: string): 'servers' | 'proxies' | undefined {
  const name = service.toLowerCase();
  if (name === CONSUL) return 'servers';
  return name.endsWith(PROXY_SUFFIX) ? 'proxies' : undefined;
}

export function isReservedName(service: string): boolean {
  return holderOf(service) !== undefined;
}
