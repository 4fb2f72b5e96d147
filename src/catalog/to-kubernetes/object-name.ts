/** The name of a Service for a Consul service, and which one gets it if several would. */
import { createHash } from 'node:crypto';
import { hasControl, quote } from '../../support/text.ts';
import type { ToK8sProblem } from './to-k8s-problem.ts';

type ObjectName = {
  readonly name: string;
  /** Only the case differs from what was asked for. */
  readonly isExact: boolean;
};

// RFC 1035 label, which the API server wants of a Service (Kubernetes, "Object Names and IDs").
const LONGEST = 63;
const LEGAL = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;
const HASH_DIGITS = 8;
// Consul's API cannot serve these names: it treats them as steps in the path.
const STEPS = ['.', '..'];
// A label begins with a letter; this one says where it came from.
const BEFORE_DIGIT = 'consul-';

/**
 * Lower case; what a label cannot have becomes `-`, none at the ends; `consul-` goes before a digit; what is too long
 * is cut, with a hash of all of it.
 *
 * @returns undefined when nothing legal is left, and for a name with control characters
 */
export function objectName(prefix: string, service: string): ObjectName | undefined {
  // It is written on the object, which people read on terminals.
  if (STEPS.includes(service) || hasControl(service)) return undefined;
  const wanted = `${prefix}${service}`.toLowerCase();
  if (LEGAL.test(wanted) && wanted.length <= LONGEST) return { name: wanted, isExact: true };
  const label = trimmed(wanted.replaceAll(/[^a-z0-9-]+/g, '-'));
  if (label === '') return undefined;
  const named = /^[0-9]/.test(label) ? `${BEFORE_DIGIT}${label}` : label;
  if (named.length <= LONGEST) return { name: named, isExact: false };
  const hash = createHash('sha256').update(wanted).digest('hex').slice(0, HASH_DIGITS);
  return { name: `${trimmed(named.slice(0, LONGEST - HASH_DIGITS - 1))}-${hash}`, isExact: false };
}

type Named = {
  /** Consul's name → the Service's. */
  readonly names: ReadonlyMap<string, string>;
  readonly problems: readonly ToK8sProblem[];
};

/**
 * A service whose own name is valid always gets that name. Among services whose names had to be changed, the one that already
 * has the Service gets it; otherwise none does.
 *
 * @param holder the Consul service for which our Service of this name was created
 */
export function nameObjects(
  services: readonly string[],
  prefix: string,
  holder: (name: string) => string | undefined,
): Named {
  const problems: ToK8sProblem[] = [];
  const claims: (ObjectName & { readonly service: string })[] = [];
  for (const service of services) {
    const found = objectName(prefix, service);
    if (found === undefined) problems.push(illegal(service));
    else claims.push({ service, ...found });
  }
  const names = new Map<string, string>();
  for (const [name, claimants] of Map.groupBy(claims, (each) => each.name)) {
    const exact = claimants.filter(({ isExact }) => isExact);
    const entitled = exact.length > 0 ? exact : claimants;
    const winner =
      entitled.length === 1 ? entitled[0] : entitled.find(({ service }) => service === holder(name));
    if (winner !== undefined) names.set(winner.service, name);
    for (const { service } of claimants)
      if (service !== winner?.service) problems.push(ambiguous(service, name, claimants));
  }
  return { names, problems };
}

function trimmed(label: string): string {
  let start = 0;
  let end = label.length;
  while (start < end && label[start] === '-') start += 1;
  while (end > start && label[end - 1] === '-') end -= 1;
  return label.slice(start, end);
}

function illegal(service: string): ToK8sProblem {
  return { reason: 'name-illegal', service, message: `${quote(service)} ${whyIllegal(service)}` };
}

function whyIllegal(service: string): string {
  if (hasControl(service)) return 'holds a control character; register it under another name';
  // A prefix of the Service changes nothing of what Consul is asked for.
  if (STEPS.includes(service))
    return "is a step in the path of a URL, so Consul's API cannot be asked for it; register it under another name";
  return 'has no letter and no digit that the name of a Service could have; register it under another name, or set --k8s-service-prefix';
}

function ambiguous(
  service: string,
  name: string,
  claimants: readonly { readonly service: string }[],
): ToK8sProblem {
  const others = claimants.map((each) => each.service).filter((each) => each !== service);
  const message = `${quote(service)} would be the Service ${name}, as ${others.map(quote).join(', ')} would; rename one of them, or leave one out with --to-k8s-services`;
  return { reason: 'name-ambiguous', service, message };
}
