/** The instances that Ingress rules give to the Services behind them. */
import { byText } from '../../model/instance.ts';
import type { Ingress, Service } from '../../model/kubernetes-objects.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import { listed } from '../../support/listed.ts';
import { quote } from '../../support/text.ts';
import { omitsEndpoint, type EndpointState } from './endpoint-places.ts';
import { REF_KIND_META, REF_NAME_META } from '../../model/consul-names.ts';
import type { Omitted, Place } from './place.ts';
import type { ToConsulSettings } from './to-consul-settings.ts';

// The ports of an Ingress are not part of its API: the controllers listen on those of HTTP and HTTPS.
const HTTP = 80;
const HTTPS = 443;

/** A place whose port is that of the Ingress, not one of the Service. */
export type IngressPlace = Place & { readonly port: number };

export type IngressPlaces = {
  readonly places: readonly IngressPlace[];
  readonly omitted: readonly Omitted[];
};

/** @param ingresses those that do not route to the Service are ignored */
export function placesOfIngresses(
  service: Service,
  ingresses: readonly Ingress[],
  { ingressAddress }: ToConsulSettings,
  problems: ServiceProblem[],
): IngressPlaces {
  const places: IngressPlace[] = [];
  const omitted: Omitted[] = [];
  for (const ingress of ingresses) {
    if (ingress.namespace !== service.namespace) continue;
    for (const { host, services } of ingress.rules) {
      if (!services.includes(service.name)) continue;
      const addresses = ingressAddress === 'host' ? addressOfHost(host) : addressesOf(ingress);
      if (typeof addresses === 'string') omitted.push({ reason: addresses, what: ingress.name });
      else places.push(...addresses.map((address) => placeOf(ingress, address, host)));
    }
  }
  const hostless = omitted.filter(({ reason }) => reason !== 'no-load-balancer-address');
  if (hostless.length > 0) problems.push(withoutHost(hostless.map(({ what }) => what).sort(byText)));
  return { places, omitted };
}

/**
 * Instances of the Ingresses that replace the endpoints behind them: as healthy as the best endpoint, or like an endpoint that
 * is not ready if there is none.
 */
export function asEndpoints(
  places: readonly IngressPlace[],
  endpoints: readonly Place[],
  settings: ToConsulSettings,
): IngressPlaces {
  const health = bestHealth(endpoints);
  const reason = omitsEndpoint(health, settings);
  if (reason === undefined) return { places: places.map((place) => ({ ...place, health })), omitted: [] };
  return { places: [], omitted: places.map(({ address }) => ({ reason, what: address })) };
}

function bestHealth(endpoints: readonly Place[]): EndpointState {
  const found = new Set(endpoints.map(({ health }) => health));
  return found.has('ready') ? 'ready' : 'not-ready';
}

function withoutHost(ingresses: readonly string[]): ServiceProblem {
  const names = [...new Set(ingresses)].map(quote);
  return {
    reason: 'ingress-without-host',
    at: 'spec.rules.host',
    message: `rules of the Ingress ${listed(names, 1)} route to the Service without a host, or with a wildcard, which is not an address, so nothing is registered for that; give it a rule with a host, or set --ingress-address=load-balancer`,
  };
}

function placeOf(ingress: Ingress, address: string, host: string): IngressPlace {
  return {
    address,
    port: ingress.tlsHosts.some((tlsHost) => covers(tlsHost, host)) ? HTTPS : HTTP,
    health: 'none',
    numberOf: () => undefined,
    about: [
      [REF_KIND_META, 'Ingress'],
      [REF_NAME_META, ingress.name],
    ],
  };
}

function addressOfHost(host: string): readonly string[] | 'no-host' | 'wildcard-host' {
  if (host === '') return 'no-host';
  return host.startsWith('*.') ? 'wildcard-host' : [host];
}

function addressesOf({ loadBalancer }: Ingress): readonly string[] | 'no-load-balancer-address' {
  return loadBalancer.length === 0 ? 'no-load-balancer-address' : loadBalancer;
}

/** networking.k8s.io/v1: a wildcard stands for exactly one label; `*` is a TLS entry without hosts, which covers all. */
function covers(tlsHost: string, host: string): boolean {
  if (tlsHost === '*' || tlsHost === host) return true;
  const [wildcard, ...parent] = tlsHost.split('.');
  const [, ...labels] = host.split('.');
  return wildcard === '*' && parent.join('.') === labels.join('.');
}
