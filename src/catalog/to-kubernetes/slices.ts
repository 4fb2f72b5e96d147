/** Puts endpoints into slices. Those that are in a slice stay in it, so that a change writes one slice and not all of them. */
import type { IpFamily } from '../../support/ip-address.ts';
import { chunks } from '../../support/chunks.ts';
import type { EndpointGroup, ReadyEndpoint } from './desired-objects.ts';
import type { ObservedSlice } from './observed-objects.ts';

export type DesiredSlice = {
  readonly name: string;
  readonly family: IpFamily;
  readonly port: number;
  readonly endpoints: readonly ReadyEndpoint[];
};

// As the controller of Kubernetes by default (kube-controller-manager --max-endpoints-per-slice).
export const ENDPOINTS_PER_SLICE = 100;
// Slices that lost most of their endpoints are packed anew when there are more than twice as many as needed.
const SPARSE = 2;

/**
 * @param service name of the Service
 * @param present our slices of the Service
 * @param isTaken true if a slice of this name exists, no matter who owns it
 */
export function packSlices(
  service: string,
  groups: readonly EndpointGroup[],
  present: readonly ObservedSlice[],
  isTaken: (name: string) => boolean,
): DesiredSlice[] {
  const used = new Set(present.map(({ name }) => name));
  return groups.flatMap((group) => {
    const own = present.filter(({ family, port }) => family === group.family && port === group.port);
    return packGroup(group, own, () => {
      for (let number = 1; ; number += 1) {
        const name = `${service}-${group.family.toLowerCase()}-${group.port}-${number}`;
        if (used.has(name) || isTaken(name)) continue;
        used.add(name);
        return name;
      }
    });
  });
}

function packGroup(
  { family, port, endpoints }: EndpointGroup,
  present: readonly ObservedSlice[],
  nextName: () => string,
): DesiredSlice[] {
  const needed = Math.ceil(endpoints.length / ENDPOINTS_PER_SLICE);
  const left = new Map(endpoints.map((endpoint) => [endpoint.address, endpoint]));
  const kept = present.map(({ name, endpoints: before }) => ({ name, endpoints: takeKept(before, left) }));
  const filled = kept.filter((slice) => slice.endpoints.length > 0);
  if (filled.length > SPARSE * needed) {
    const names = filled.map(({ name }) => name);
    return chunks(endpoints, ENDPOINTS_PER_SLICE).map((each) => ({
      name: names.shift() ?? nextName(),
      family,
      port,
      endpoints: each,
    }));
  }
  const rest = [...left.values()];
  for (const slice of filled)
    slice.endpoints.push(...rest.splice(0, ENDPOINTS_PER_SLICE - slice.endpoints.length));
  // A slice that would be empty is filled before a new one is made.
  const empty = kept.filter((slice) => slice.endpoints.length === 0).map(({ name }) => name);
  const added = chunks(rest, ENDPOINTS_PER_SLICE).map((each) => ({
    name: empty.shift() ?? nextName(),
    endpoints: each,
  }));
  return [...filled, ...added].map((slice) => ({ ...slice, family, port }));
}

/** In their present order; what is taken is no longer left. */
function takeKept(before: ObservedSlice['endpoints'], left: Map<string, ReadyEndpoint>): ReadyEndpoint[] {
  const kept: ReadyEndpoint[] = [];
  for (const { address } of before) {
    const endpoint = left.get(address);
    if (endpoint === undefined || kept.length === ENDPOINTS_PER_SLICE) continue;
    left.delete(address);
    kept.push(endpoint);
  }
  return kept;
}
