/** What every instance of a Service has in common: its name in Consul, its tags, and its weight. */
import { isDnsLabel } from '../../support/dns-name.ts';
import { splitTags } from '../../support/tags.ts';
import { hasControl, parseWholeNumber, quote } from '../../support/text.ts';
import { annotationOf } from './known-annotations.ts';
import type { Service } from '../../model/kubernetes-objects.ts';
import { ANNOTATION_PREFIX } from '../../model/kubernetes-names.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import type { ToConsulSettings } from './to-consul-settings.ts';

// RFC 1035, section 2.3.4. Consul takes longer names, and then nobody can ask its DNS for them.
const NAME_LENGTH = 255;
// structs.ValidateWeights: Consul's weights become those of SRV records, which have 16 bits (RFC 2782).
const MAX_WEIGHT = 65535;

/** The name in Consul, without regard to ports. A bad annotation gives the default name and a problem. */
export function serviceName(
  service: Service,
  settings: ToConsulSettings,
  problems: ServiceProblem[],
): string {
  const suffix = settings.addNamespaceSuffix ? `-${service.namespace}` : '';
  const byDefault = `${settings.servicePrefix}${service.name}${suffix}`;
  const given = annotationOf(service, 'service-name');
  if (given === undefined) return byDefault;
  const name = given.trim();
  const wrong = wrongName(name);
  if (wrong === undefined) return name;
  problems.push({
    reason: 'invalid-name',
    at: `${ANNOTATION_PREFIX}service-name`,
    message: `${quote(given)} ${wrong}, until then the service is called ${quote(byDefault)}`,
  });
  return byDefault;
}

function wrongName(name: string): string | undefined {
  if (name === '') return `is empty; write 1 to ${NAME_LENGTH}`;
  if (name.length > NAME_LENGTH) return `has ${name.length} characters; write 1 to ${NAME_LENGTH}`;
  // Consul accepts it, and a terminal that lists services acts on it.
  return hasControl(name) ? 'holds a control character; leave it out' : undefined;
}

/** True when Consul can use the name; else the problem says what to shorten. */
export function fits(name: string, problems: ServiceProblem[]): boolean {
  if (name.length <= NAME_LENGTH) return true;
  problems.push({
    reason: 'name-too-long',
    at: 'metadata.name',
    message: `the service would be called ${quote(name)}, which has ${name.length} characters of at most ${NAME_LENGTH}; shorten the prefix, or set ${ANNOTATION_PREFIX}service-name`,
  });
  return false;
}

/**
 * A name that Consul accepts is registered even if its DNS may not serve it: there are other ways to look it up. Consul 1.20.6 never
 * finds a name with a dot, a space, `/`, or more than 63 characters in DNS. It finds one with `_`, of which its agent warns, but
 * resolvers and certificates may not accept it.
 */
export function warnOfDns(service: Service, name: string, problems: ServiceProblem[]): void {
  if (isDnsLabel(name)) return;
  const isGiven = annotationOf(service, 'service-name') !== undefined;
  problems.push({
    reason: 'no-dns-label',
    at: isGiven ? `${ANNOTATION_PREFIX}service-name` : 'metadata.name',
    message: `the service is called ${quote(name)}, which is not a DNS label (at most 63 of a-z 0-9 and -, with a letter or digit at both ends); it is registered, but DNS queries for it may get no answer`,
  });
}

/** The operator's tag first, then those of the annotation that have no control character; each once. */
export function serviceTags(
  service: Service,
  { tag }: ToConsulSettings,
  problems: ServiceProblem[],
): readonly string[] {
  const own = tag === '' ? [] : [tag];
  const { kept, left } = splitTags(annotationOf(service, 'service-tags') ?? '');
  if (left !== undefined)
    problems.push({ reason: 'invalid-tags', at: `${ANNOTATION_PREFIX}service-tags`, message: left });
  return [...new Set([...own, ...kept])];
}

/** 1 when there is none or a bad one. */
export function serviceWeight(service: Service, problems: ServiceProblem[]): number {
  const given = annotationOf(service, 'service-weight');
  if (given === undefined) return 1;
  const weight = parseWholeNumber(given.trim());
  if (weight !== undefined && weight >= 1 && weight <= MAX_WEIGHT) return weight;
  problems.push({
    reason: 'invalid-weight',
    at: `${ANNOTATION_PREFIX}service-weight`,
    message: `${quote(given)} is not a whole number from 1 to ${MAX_WEIGHT}; the weight is 1 until it is`,
  });
  return 1;
}
