/** The places that are a Service's endpoints. */
import { NODE_NAME_META, REF_KIND_META, REF_NAME_META, ZONE_META } from '../../model/consul-names.ts';
import type { Endpoint, EndpointSlice, Service } from '../../model/kubernetes-objects.ts';
import type { MetaPair } from './meta.ts';
import type { Health, Omitted, OmitReason, Place, Places } from './place.ts';
import { numbersOfSlice, type PortNumbers } from './ports.ts';
import type { ToConsulSettings } from './to-consul-settings.ts';

export type EndpointState = Exclude<Health, 'none'>;

/** One place for every address of every endpoint. Work is proportional to the number of endpoints. */
export function placesOfEndpoints(
  service: Service,
  slices: readonly EndpointSlice[],
  settings: ToConsulSettings,
): Places {
  const places: Place[] = [];
  const omitted: Omitted[] = [];
  for (const slice of slices) {
    const numberOf = numbersOfSlice(slice);
    for (const endpoint of slice.endpoints) {
      const state = stateOf(endpoint, service);
      const reason = omitsEndpoint(state, settings);
      if (reason === undefined) for (const place of placesOf(endpoint, state, numberOf)) places.push(place);
      else for (const what of endpoint.addresses) omitted.push({ reason, what });
    }
  }
  if (places.length + omitted.length === 0) omitted.push({ reason: 'no-endpoints', what: '' });
  return { places, omitted };
}

/**
 * Terminating wins over ready, because Kubernetes also says it of endpoints that still serve. A Service that publishes what is
 * not ready is an exception: Kubernetes keeps its endpoint ready until its pod is gone, and answers with it in DNS (discovery.k8s.io/v1,
 * EndpointConditions).
 */
export function stateOf({ isReady, isTerminating }: Endpoint, { publishesNotReady }: Service): EndpointState {
  if (isTerminating && !(publishesNotReady && isReady)) return 'terminating';
  return isReady ? 'ready' : 'not-ready';
}

/**
 *     ready                    registered, passing
 *     not ready                registered, critical    left out with --not-ready=omit
 *     terminating              left out                registered, critical with --terminating=critical
 */
export function omitsEndpoint(
  state: EndpointState,
  { notReady, terminating }: ToConsulSettings,
): OmitReason | undefined {
  if (state === 'terminating') return terminating === 'remove' ? 'terminating' : undefined;
  return state === 'not-ready' && notReady === 'omit' ? 'not-ready' : undefined;
}

function placesOf(endpoint: Endpoint, state: EndpointState, numberOf: PortNumbers): Place[] {
  const { addresses, node, zone, refKind, refName } = endpoint;
  const about = known([
    [REF_KIND_META, refKind],
    [REF_NAME_META, refName],
    [NODE_NAME_META, node],
    [ZONE_META, zone],
  ]);
  return addresses.map((address) => ({ address, health: state, numberOf, about }));
}

export function known(pairs: readonly (readonly [string, string | undefined])[]): MetaPair[] {
  return pairs.flatMap(([key, value]): MetaPair[] => (value === undefined ? [] : [[key, value]]));
}
