/** The instances that Consul should have for one Service, from the Service and the objects around it. */
import { familyOf } from '../../support/ip-address.ts';
import { quote } from '../../support/text.ts';
import { byText, sourceOfService, type Instance } from '../../model/instance.ts';
import type { EndpointSlice, Ingress, Service } from '../../model/kubernetes-objects.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import { ANNOTATION_PREFIX } from '../../model/kubernetes-names.ts';
import { misspeltAnnotations, unusableAnnotations } from './known-annotations.ts';
import { decideService, isByAnnotation, type ServiceSkipReason, type SyncReason } from './decide-service.ts';
import { serviceName, serviceTags, serviceWeight } from './describe.ts';
import { placesOfEndpoints } from './endpoint-places.ts';
import { asEndpoints, placesOfIngresses, type IngressPlaces } from './ingress-places.ts';
import { instancesOfService } from './instances.ts';
import { planMeta } from './meta.ts';
import { placesOfNodes, type NodeLookup } from './node-places.ts';
import { withoutLoops } from './own-names.ts';
import type { Omitted, Places } from './place.ts';
import { choosePorts, numbersOfService, numbersOfSlice, type PortChoice, type PortNumbers } from './ports.ts';
import type { ToConsulSettings } from './to-consul-settings.ts';

/** Where the addresses of the instances come from. */
export type AddressRule =
  | 'external-ips'
  | 'node-port'
  | 'load-balancer'
  | 'load-balancer-endpoints'
  | 'cluster-ip'
  | 'headless'
  | 'external-name';

export type RelatedObjects = {
  /** Those of the Service, in any order. */
  readonly slices: readonly EndpointSlice[];
  /** Undefined until the nodes are listed. */
  readonly node: NodeLookup | undefined;
  /** Those of the Service's namespace or more, in any order. */
  readonly ingresses: readonly Ingress[];
};

export type Desired =
  | {
      readonly kind: 'skip';
      readonly source: string;
      readonly reason: ServiceSkipReason;
      readonly problems: readonly ServiceProblem[];
    }
  | {
      readonly kind: 'sync';
      readonly source: string;
      readonly reason: SyncReason;
      readonly addressRule: AddressRule;
      /** In the order of their ids, no id twice. */
      readonly instances: readonly Instance[];
      readonly problems: readonly ServiceProblem[];
      /** What is not registered though the Service is. */
      readonly omitted: readonly Omitted[];
    };

const NOTHING: Places & IngressPlaces = { places: [], omitted: [] };

/** Equal input gives equal output to the byte, whatever the order of slices, endpoints and Ingresses. */
export function desired(service: Service, related: RelatedObjects, settings: ToConsulSettings): Desired {
  const source = sourceOfService(service.namespace, service.name);
  const decision = decideService(service, settings);
  if (decision.kind === 'skip')
    return {
      ...decision,
      source,
      problems: isByAnnotation(decision.reason)
        ? [...decision.problems, ...unusableAnnotations(service)]
        : decision.problems,
    };
  const addressRule = addressRuleOf(service, settings);
  const problems = [...decision.problems, ...unusableAnnotations(service), ...misspeltAnnotations(service)];
  const ports = choosePorts(service, tablesOf(service, addressRule, related), settings, problems);
  const shared = {
    service,
    owner: settings.owner,
    name: serviceName(service, settings, problems),
    tags: serviceTags(service, settings, problems),
    weight: serviceWeight(service, problems),
    meta: planMeta(service, settings.owner, problems),
  };
  const result = { kind: decision.kind, source, reason: decision.reason, addressRule, problems };
  if (ports === undefined) return { ...result, instances: [], omitted: [] };
  const direct = placesOf(service, addressRule, related, settings, problems);
  const byIngress = settings.enableIngress
    ? placesOfIngresses(service, related.ingresses, settings, problems)
    : NOTHING;
  const sound = withoutLoops(direct.places, service, settings, problems);
  const soundByIngress = withoutLoops(byIngress.places, service, settings, problems);
  const isReplaced =
    settings.ingressMode === 'replace' && isOfEndpoints(addressRule) && soundByIngress.places.length > 0;
  const instead = isReplaced ? asEndpoints(soundByIngress.places, sound.places, settings) : soundByIngress;
  const made = instancesOfService({ ...shared, ports, isReplaced }, sound.places, instead.places, problems);
  const omitted = [direct, byIngress, sound, soundByIngress, made].flatMap((part) => part.omitted);
  if (isReplaced) omitted.push({ reason: 'behind-ingress', what: '' }, ...instead.omitted);
  if (made.instances.length === 0) problems.push(...whyNothing(omitted, ports.main));
  return { ...result, instances: made.instances, omitted: omitted.sort(byOmission) };
}

/** False while too little is known: then nothing that Consul has of the Service is changed. */
export function isWhole(result: Desired): boolean {
  return result.kind === 'skip' || result.omitted.every(({ reason }) => reason !== 'nodes-unknown');
}

/**
 *     spec.externalIPs is not empty                          external-ips              each distinct address
 *     NodePort                                               node-port                 each node with an endpoint
 *     LoadBalancer                                           load-balancer             each ip, else hostname
 *     LoadBalancer with --sync-lb-services-endpoints         load-balancer-endpoints   each address of an endpoint
 *     ClusterIP                                              cluster-ip                each address of an endpoint
 *     ClusterIP whose clusterIP is None                      headless                  each address of an endpoint
 *     ExternalName                                           external-name             externalName
 */
function addressRuleOf(service: Service, settings: ToConsulSettings): AddressRule {
  if (service.externalIps.length > 0) return 'external-ips';
  switch (service.type) {
    case 'NodePort':
      return 'node-port';
    case 'LoadBalancer':
      return settings.syncLoadBalancerEndpoints ? 'load-balancer-endpoints' : 'load-balancer';
    case 'ExternalName':
      return 'external-name';
    case 'ClusterIP':
    // `decide` has skipped what is not supported.
    case 'unsupported':
      return service.headless ? 'headless' : 'cluster-ip';
  }
}

function isOfEndpoints(rule: AddressRule): boolean {
  return rule === 'cluster-ip' || rule === 'headless' || rule === 'load-balancer-endpoints';
}

function tablesOf(service: Service, rule: AddressRule, { slices }: RelatedObjects): readonly PortNumbers[] {
  switch (rule) {
    case 'node-port':
      return [numbersOfService(service, 'nodePort')];
    case 'load-balancer-endpoints':
    case 'cluster-ip':
    case 'headless':
      // The Service's own ports count, too: a Service without endpoints is not wrong, they may come.
      return [numbersOfService(service, 'port'), ...slices.map(numbersOfSlice)];
    case 'external-ips':
    case 'load-balancer':
    case 'external-name':
      return [numbersOfService(service, 'port')];
  }
}

function placesOf(
  service: Service,
  rule: AddressRule,
  { slices, node }: RelatedObjects,
  settings: ToConsulSettings,
  problems: ServiceProblem[],
): Places {
  switch (rule) {
    case 'node-port':
      return node === undefined
        ? { places: [], omitted: [{ reason: 'nodes-unknown', what: '' }] }
        : placesOfNodes(service, slices, node, settings, problems);
    case 'load-balancer-endpoints':
    case 'cluster-ip':
    case 'headless':
      return placesOfEndpoints(service, slices, settings);
    case 'external-ips':
      return placesOfAddresses(service, service.externalIps, 'spec.externalIPs', problems);
    case 'load-balancer':
      return service.loadBalancer.length > 0
        ? placesOfAddresses(service, service.loadBalancer, 'status.loadBalancer', problems)
        : { places: [], omitted: [{ reason: 'no-load-balancer-address', what: '' }] };
    case 'external-name':
      if (service.externalName !== undefined)
        return placesOfAddresses(service, [service.externalName], 'spec.externalName', problems);
      problems.push({
        reason: 'no-external-name',
        at: 'spec.externalName',
        message: 'it is empty; the Service is not registered until it names a host',
      });
      return NOTHING;
  }
}

/** kube-proxy serves addresses in the families of the Service only; an ExternalName has none. */
function placesOfAddresses(
  service: Service,
  addresses: readonly string[],
  at: string,
  problems: ServiceProblem[],
): Places {
  const { ipFamilies } = service;
  const numberOf = numbersOfService(service, 'port');
  const isServed = (address: string): boolean => {
    const family = familyOf(address);
    return family === undefined || ipFamilies.length === 0 || ipFamilies.includes(family);
  };
  const others = addresses.filter((address) => !isServed(address));
  for (const address of [...new Set(others)].sort(byText))
    problems.push({
      reason: 'other-ip-family',
      at,
      message: `${quote(address)} is not registered, because the Service has ${ipFamilies.join(' and ')} only (spec.ipFamilies) and does not serve there; set spec.ipFamilyPolicy to RequireDualStack, or remove the address`,
    });
  return {
    places: addresses.filter(isServed).map((address) => ({ address, health: 'none', numberOf, about: [] })),
    omitted: others.map((what) => ({ reason: 'other-ip-family', what })),
  };
}

/** For a Service with endpoints and without an instance, if nothing will change by itself. */
function whyNothing(omitted: readonly Omitted[], main: PortChoice): ServiceProblem[] {
  const reasons = new Set(omitted.map(({ reason }) => reason));
  const problems: ServiceProblem[] = [];
  if (reasons.has('port-not-in-slice') && main.kind === 'named')
    problems.push({
      reason: 'port-not-in-slice',
      at: 'spec.ports',
      message: `no EndpointSlice has the port ${quote(main.name)}, so the Service is not registered; give the port one name in both, or choose another with ${ANNOTATION_PREFIX}service-port`,
    });
  return problems;
}

function byOmission(left: Omitted, right: Omitted): number {
  return byText(left.what, right.what) || byText(left.reason, right.reason);
}
