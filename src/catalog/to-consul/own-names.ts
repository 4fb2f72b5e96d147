/** What belongs to Consul itself: names that nobody else may have there, and addresses that lead back into it. */
import { holderOf } from '../../model/consul-names.ts';
import { isInDomain, withoutRoot } from '../../support/dns-name.ts';
import { quote } from '../../support/text.ts';
import { byText } from '../../model/instance.ts';
import type { Service } from '../../model/kubernetes-objects.ts';
import { ANNOTATION_PREFIX } from '../../model/kubernetes-names.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import type { Omitted } from './place.ts';

/**
 * True when the name may be registered; else the problem says whose it is: an instance of ours under the name of Consul's servers
 * or of a proxy in the mesh would get their traffic.
 */
export function isFree(name: string, problems: ServiceProblem[]): boolean {
  const owner = holderOf(name);
  if (owner === undefined) return true;
  const holder = owner === 'servers' ? "Consul's own servers" : 'the sidecar proxies of the mesh';
  problems.push({
    reason: 'reserved-name',
    at: 'metadata.name',
    message: `the service would be called ${quote(name)}, which is the name of ${holder}, so nothing is registered under it; set ${ANNOTATION_PREFIX}service-name to another name`,
  });
  return false;
}

type Addressed = { readonly address: string };

/**
 * Takes out the places whose address is a name that leads back: into the domain of Consul's DNS, which would answer for
 * the service with itself or with another one, or, in the cluster, to the Service itself.
 */
export function withoutLoops<T extends Addressed>(
  places: readonly T[],
  { namespace, name }: Service,
  { consulDomain, clusterDomain }: { readonly consulDomain: string; readonly clusterDomain: string },
  problems: ServiceProblem[],
): { readonly places: readonly T[]; readonly omitted: readonly Omitted[] } {
  // Pods resolve the short forms by their search list (Kubernetes, "DNS for Services and Pods").
  const itself = new Set(
    ['', `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.${clusterDomain}`].map(
      (rest) => name + rest,
    ),
  );
  const intoConsul = hostsOf(places, (host) => isInDomain(host, consulDomain));
  const toItself = hostsOf(places, (host) => itself.has(withoutRoot(host).toLowerCase()));
  for (const host of intoConsul) problems.push(leadsIntoConsul(host, consulDomain));
  for (const host of toItself)
    problems.push({
      reason: 'points-at-itself',
      at: 'the address of the Service',
      message: `${quote(host)} is the Service itself, so it is not registered; name the host that serves`,
    });
  return {
    places: places.filter(({ address }) => !intoConsul.has(address) && !toItself.has(address)),
    omitted: [
      ...[...intoConsul].map((what) => ({ reason: 'points-into-consul' as const, what })),
      ...[...toItself].map((what) => ({ reason: 'points-at-itself' as const, what })),
    ],
  };
}

function hostsOf(places: readonly Addressed[], isOne: (host: string) => boolean): ReadonlySet<string> {
  return new Set(
    places
      .map(({ address }) => address)
      .filter(isOne)
      .sort(byText),
  );
}

function leadsIntoConsul(host: string, domain: string): ServiceProblem {
  return {
    reason: 'points-into-consul',
    at: 'the address of the Service',
    message: `${quote(host)} is in the domain of Consul's DNS (${domain}), so Consul would answer with itself, and it is not registered; name the host that serves, or set ${ANNOTATION_PREFIX}service-sync to "false"`,
  };
}
