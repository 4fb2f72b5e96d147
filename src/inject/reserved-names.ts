/** Names of services that Consul and its proxies have, and no pod or Service may take. */

const CONSUL = 'consul';
const PROXY_SUFFIX = '-sidecar-proxy';

/** Consul compares names in lower case. */
export function isReservedName(service: string): boolean {
  const name = service.toLowerCase();
  return name === CONSUL || name.endsWith(PROXY_SUFFIX);
}
