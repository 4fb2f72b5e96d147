/** The places that come from a Service's EndpointSlices: its endpoints, or the nodes that run them. */
import { byText } from '../instance.ts';
import type { Endpoint, EndpointSlice, Node, Service } from '../kubernetes-objects.ts';
import type { Problem } from '../problem.ts';
import { NODE_NAME_META, REF_KIND_META, REF_NAME_META, ZONE_META, type MetaPair } from './meta.ts';
import type { Health, Omitted, OmitReason, Place, Places } from './place.ts';
import { numbersOfService, numbersOfSlice, type PortNumbers } from './ports.ts';
import type { NodePortSyncType, ToConsulSettings } from './settings.ts';

/** Undefined for a node that is not known. */
export type NodeLookup = (name: string) => Node | undefined;

type EndpointState = Exclude<Health, 'none'>;

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
      if (reason === undefined) places.push(...placesOf(endpoint, state, numberOf));
      else omitted.push(...endpoint.addresses.map((what) => ({ reason, what })));
    }
  }
  if (places.length + omitted.length === 0) omitted.push({ reason: 'no-endpoints', what: '' });
  return { places, omitted };
}

/** One place for every node that runs an endpoint, whatever the number of its endpoints. It is ready when one of them is. */
export function placesOfNodes(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeLookup,
  settings: ToConsulSettings,
  problems: Problem[],
): Places {
  const places: Place[] = [];
  const numberOf = numbersOfService(service, 'nodePort');
  const { states, omitted } = statesOfNodes(service, slices, settings);
  const without: string[] = [];
  for (const [name, state] of states) {
    const found = node(name);
    const address = found && nodeAddress(found, settings.nodePortSyncType);
    const reason = found === undefined ? 'unknown-node' : omitsNode(state, address, settings);
    if (reason === 'no-node-address') without.push(name);
    if (reason !== undefined) omitted.push({ reason, what: name });
    else if (address !== undefined)
      places.push({ address, health: state, numberOf, about: aboutNode(name, found) });
  }
  if (without.length > 0) problems.push(noAddress(without.sort(byText), settings.nodePortSyncType));
  if (places.length + omitted.length === 0) omitted.push({ reason: 'no-endpoints', what: '' });
  return { places, omitted };
}

/** ExternalFirst falls back on the internal address, the others have one type only. */
function nodeAddress({ externalIp, internalIp }: Node, syncType: NodePortSyncType): string | undefined {
  switch (syncType) {
    case 'ExternalFirst':
      return externalIp ?? internalIp;
    case 'ExternalOnly':
      return externalIp;
    case 'InternalOnly':
      return internalIp;
  }
}

/**
 * Terminating wins over ready: Kubernetes says it of endpoints that still serve. Not so where the Service publishes what is
 * not ready: then Kubernetes keeps an endpoint ready until its pod is gone, and its DNS answers with it (discovery.k8s.io/v1,
 * EndpointConditions).
 */
function stateOf({ isReady, isTerminating }: Endpoint, { publishesNotReady }: Service): EndpointState {
  if (isTerminating && !(publishesNotReady && isReady)) return 'terminating';
  return isReady ? 'ready' : 'not-ready';
}

/** From best to worst: the best endpoint speaks for its node. */
const STATES: readonly EndpointState[] = ['ready', 'not-ready', 'terminating'];

function statesOfNodes(
  service: Service,
  slices: readonly EndpointSlice[],
  settings: ToConsulSettings,
): { readonly states: ReadonlyMap<string, EndpointState>; readonly omitted: Omitted[] } {
  const states = new Map<string, EndpointState>();
  const omitted: Omitted[] = [];
  for (const endpoint of slices.flatMap(({ endpoints }) => endpoints)) {
    const { addresses, node } = endpoint;
    const state = stateOf(endpoint, service);
    const what = addresses[0] ?? '';
    if (node === undefined) omitted.push({ reason: 'no-node', what });
    else if (state === 'terminating' && settings.terminating === 'remove')
      omitted.push({ reason: 'terminating', what });
    else if (isBetter(state, states.get(node))) states.set(node, state);
  }
  return { states, omitted };
}

function isBetter(state: EndpointState, than: EndpointState | undefined): boolean {
  return than === undefined || STATES.indexOf(state) < STATES.indexOf(than);
}

function omitsNode(
  state: EndpointState,
  address: string | undefined,
  settings: ToConsulSettings,
): OmitReason | undefined {
  return omitsEndpoint(state, settings) ?? (address === undefined ? 'no-node-address' : undefined);
}

/**
 *     ready                    registered, passing
 *     not ready                registered, critical    left out with --not-ready=omit
 *     terminating              left out                registered, critical with --terminating=critical
 */
function omitsEndpoint(
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

function aboutNode(name: string, node: Node | undefined): MetaPair[] {
  return known([
    [NODE_NAME_META, name],
    [ZONE_META, node?.zone],
  ]);
}

function known(pairs: readonly (readonly [string, string | undefined])[]): MetaPair[] {
  return pairs.flatMap(([key, value]): MetaPair[] => (value === undefined ? [] : [[key, value]]));
}

const WANTED = {
  ExternalFirst: 'neither an ExternalIP nor an InternalIP',
  ExternalOnly: 'no ExternalIP',
  InternalOnly: 'no InternalIP',
} as const;

function noAddress(names: readonly string[], syncType: NodePortSyncType): Problem {
  const more = names.length > 1 ? ` (and ${names.length - 1} more)` : '';
  return {
    reason: 'no-node-address',
    at: 'status.addresses',
    message: `node ${JSON.stringify(names[0])}${more} has ${WANTED[syncType]}, so that its instance is not registered; give it one, or change --node-port-sync-type (${syncType})`,
  };
}
