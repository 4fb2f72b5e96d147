/** The places of a NodePort Service: the nodes that run its endpoints. */
import { NODE_NAME_META, ZONE_META } from '../../model/consul-names.ts';
import { familyOf, type IpFamily } from '../../support/ip-address.ts';
import { byText } from '../../model/instance.ts';
import type { Endpoint, EndpointSlice, Node, Service } from '../../model/kubernetes-objects.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import { quote } from '../../support/text.ts';
import { known, omitsEndpoint, stateOf, type EndpointState } from './endpoint-places.ts';
import type { MetaPair } from './meta.ts';
import type { Omitted, Place, Places } from './place.ts';
import { numbersOfService } from './ports.ts';
import type { NodePortSyncType, ToConsulSettings } from './to-consul-settings.ts';

/** Undefined for a node that is not known. */
export type NodeLookup = (name: string) => Node | undefined;

/**
 * One place for every node that runs an endpoint and every IP family of these endpoints, whatever their number: kube-proxy
 * opens a nodePort in each family of the Service, and forwards within the family. It is ready when one of them is.
 */
export function placesOfNodes(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeLookup,
  settings: ToConsulSettings,
  problems: ServiceProblem[],
): Places {
  const places: Place[] = [];
  const numberOf = numbersOfService(service, 'nodePort');
  const { states, omitted } = statesOfNodes(service, slices, settings);
  const without: { readonly family: IpFamily; readonly name: string }[] = [];
  for (const { name, family, state } of states) {
    const found = node(name);
    const address = found && nodeAddress(found, family, settings.nodePortSyncType);
    const reason = found === undefined ? 'unknown-node' : omitsEndpoint(state, settings);
    if (reason !== undefined) omitted.push({ reason, what: name });
    else if (address !== undefined)
      places.push({ address, health: state, numberOf, about: aboutNode(name, found) });
    else {
      omitted.push({ reason: 'no-node-address', what: name });
      without.push({ family, name });
    }
  }
  const byFamily = Map.groupBy(without, ({ family }) => family);
  for (const [family, some] of [...byFamily].sort(([left], [right]) => byText(left, right))) {
    const names = some.map(({ name }) => name).sort(byText);
    problems.push(noAddress(names, family, settings.nodePortSyncType));
  }
  const omittedFor = (wanted: Omitted['reason']): string[] =>
    omitted.flatMap(({ reason, what }) => (reason === wanted ? what : [])).sort(byText);
  const [others, nowhere] = [omittedFor('other-ip-family'), omittedFor('no-node')];
  if (others.length > 0 && places.length === 0) problems.push(otherFamily(others, service));
  if (nowhere.length > 0) problems.push(noNode(nowhere));
  if (places.length + omitted.length === 0) omitted.push({ reason: 'no-endpoints', what: '' });
  return { places, omitted };
}

/** ExternalFirst falls back on the internal address, the others have one type only. */
function nodeAddress(
  { externalIps, internalIps }: Node,
  family: IpFamily,
  syncType: NodePortSyncType,
): string | undefined {
  const of = (addresses: readonly string[]): string | undefined =>
    addresses.find((address) => familyOf(address) === family);
  switch (syncType) {
    case 'ExternalFirst':
      return of(externalIps) ?? of(internalIps);
    case 'ExternalOnly':
      return of(externalIps);
    case 'InternalOnly':
      return of(internalIps);
  }
}

type NodeState = { readonly name: string; readonly family: IpFamily; readonly state: EndpointState };

/** From best to worst: the best endpoint speaks for its node. */
const STATES: readonly EndpointState[] = ['ready', 'not-ready', 'terminating'];

function statesOfNodes(
  service: Service,
  slices: readonly EndpointSlice[],
  settings: ToConsulSettings,
): { readonly states: Iterable<NodeState>; readonly omitted: Omitted[] } {
  const states = new Map<string, NodeState>();
  const omitted: Omitted[] = [];
  for (const endpoint of slices.flatMap(({ endpoints }) => endpoints)) {
    const { addresses, node: name } = endpoint;
    const state = stateOf(endpoint, service);
    const families = familiesOf(endpoint, service);
    const what = addresses[0] ?? '';
    if (name === undefined) omitted.push({ reason: 'no-node', what });
    else if (state === 'terminating' && settings.terminating === 'remove')
      omitted.push({ reason: 'terminating', what });
    else if (families.size === 0) omitted.push({ reason: 'other-ip-family', what });
    else
      for (const family of families) {
        const key = `${family} ${name}`;
        if (isBetter(state, states.get(key)?.state)) states.set(key, { name, family, state });
      }
  }
  return { states: states.values(), omitted };
}

function familiesOf({ addresses }: Endpoint, { ipFamilies }: Service): ReadonlySet<IpFamily> {
  const found = addresses.map(familyOf).filter((family) => family !== undefined);
  return new Set(found.filter((family) => ipFamilies.length === 0 || ipFamilies.includes(family)));
}

function isBetter(state: EndpointState, than: EndpointState | undefined): boolean {
  return than === undefined || STATES.indexOf(state) < STATES.indexOf(than);
}

function aboutNode(name: string, node: Node | undefined): MetaPair[] {
  return known([
    [NODE_NAME_META, name],
    [ZONE_META, node?.zone],
  ]);
}

const WANTED = {
  ExternalFirst: 'neither an ExternalIP nor an InternalIP',
  ExternalOnly: 'no ExternalIP',
  InternalOnly: 'no InternalIP',
} as const;

function noAddress(names: readonly string[], family: IpFamily, syncType: NodePortSyncType): ServiceProblem {
  return {
    reason: 'no-node-address',
    at: 'status.addresses',
    message: `node ${firstQuoted(names)} has ${WANTED[syncType]} of family ${family}, so its instance is not registered; give it one, or change --node-port-sync-type (${syncType})`,
  };
}

function otherFamily(addresses: readonly string[], { ipFamilies }: Service): ServiceProblem {
  return {
    reason: 'other-ip-family',
    at: 'spec.ipFamilies',
    message: `nodes serve ${ipFamilies.join(' and ') || 'IP addresses'} only for this Service, and the endpoint ${firstQuoted(addresses)} is not one of them, so no node is registered; give the Service endpoints of its families`,
  };
}

function noNode(addresses: readonly string[]): ServiceProblem {
  return {
    reason: 'no-node',
    at: 'endpoints.nodeName',
    message: `the endpoint ${firstQuoted(addresses)} names no node, so no node is registered for it; set nodeName in the EndpointSlice, or make the Service one of type ClusterIP, whose endpoints are registered themselves`,
  };
}

/** `"a" (and 2 more)`: the sentence around it is about one. */
function firstQuoted([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? quote(first) : `${quote(first)} (and ${others.length} more)`;
}
