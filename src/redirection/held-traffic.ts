/** Whether a pod's own traffic is redirected, seen from inside the pod. */
import type { IpFamily } from '../support/ip-address.ts';

/**
 * | state | meaning |
 * | --- | --- |
 * | `unknown` | nothing was seen yet |
 * | `no-network` | the pod has no route for the family |
 * | `open` | a call went out of the pod, or nowhere |
 * | `held` | a call ended at the outbound listener |
 */
export type FamilyState = 'unknown' | 'no-network' | 'open' | 'held';

/** Destinations of the test calls: addresses for documentation (RFC 5737, RFC 3849), where nobody answers. */
export const OUTSIDE = { IPv4: '192.0.2.1', IPv6: '2001:db8::1' } as const;
export const NOBODYS_PORT = 1;

type FamilyStates = Readonly<Record<IpFamily, FamilyState>>;

/** Undefined when every family that has a network is held, and one is; else what is missing. */
export function missingRedirection(states: FamilyStates): string | undefined {
  const families = Object.entries(states);
  const open = families.filter(([, state]) => state === 'open' || state === 'unknown');
  if (open.length > 0) return `its ${open.map(([family]) => family).join(' and ')} traffic is not redirected`;
  return families.some(([, state]) => state === 'held') ? undefined : 'it has no network';
}

/** Errors when there is no route: only routing is asked, and nothing is sent. */
export const NO_ROUTE: ReadonlySet<string> = new Set([
  'ENETUNREACH',
  // Routes of the types unreachable, prohibit and blackhole (ip-route(8)).
  'EHOSTUNREACH',
  'EACCES',
  'EINVAL',
  // IPv6 is switched off for the interfaces, or in the kernel.
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
]);
