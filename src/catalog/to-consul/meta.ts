/** The meta of instances: what Tandem writes, the Service's ports, and what annotations add, within Consul's limits. */
import {
  EXTERNAL_SOURCE,
  EXTERNAL_SOURCE_META,
  META_KEY,
  META_PAIRS,
  META_VALUE_BYTES,
  NAMESPACE_META,
  NODE_NAME_META,
  OWNER_META,
  REF_KIND_META,
  REF_NAME_META,
  SOURCE_META,
  ZONE_META,
} from '../../model/consul-names.ts';
import { firstOf } from '../../support/listed.ts';
import { hasControlInLines, quote } from '../../support/text.ts';
import { byText, sourceOfService } from '../../model/instance.ts';
import type { Service } from '../../model/kubernetes-objects.ts';
import { ANNOTATION_PREFIX, META_PREFIX } from '../../model/kubernetes-names.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import { portLabel } from './ports.ts';

export type MetaPair = readonly [key: string, value: string];

/** Room is kept for all of them on every instance, so that what fits does not depend on the endpoint. */
const OWN_KEYS = [
  EXTERNAL_SOURCE_META,
  NAMESPACE_META,
  REF_KIND_META,
  REF_NAME_META,
  NODE_NAME_META,
  ZONE_META,
  OWNER_META,
  SOURCE_META,
];

// Each is a line of the log and an Event, of which an object gets 25 at once.
const TOLD = 10;

export type MetaPlan = {
  /** The same on every instance of the Service. */
  readonly pairs: readonly MetaPair[];
  /** How many of the Service's ports have room for a `port-<name>`. */
  readonly ports: number;
};

/** What fits: Tandem's own pairs, then ports, then annotations in the order of their keys. */
export function planMeta(service: Service, owner: string, problems: ServiceProblem[]): MetaPlan {
  const ports = Math.min(service.ports.length, META_PAIRS - OWN_KEYS.length);
  const reserved = new Set([
    ...OWN_KEYS,
    ...service.ports.map((port, index) => portMetaKey(portLabel(port, index))),
  ]);
  const asked = readMeta(service, reserved, problems);
  const room = META_PAIRS - OWN_KEYS.length - ports;
  const left = service.ports.length - ports + Math.max(0, asked.length - room);
  if (left > 0) problems.push(tooMuch(asked.length, service.ports.length, left));
  return {
    pairs: [
      [EXTERNAL_SOURCE_META, EXTERNAL_SOURCE],
      [NAMESPACE_META, service.namespace],
      [OWNER_META, owner],
      [SOURCE_META, sourceOfService(service.namespace, service.name)],
      ...asked.slice(0, room),
    ],
    ports,
  };
}

export function portMetaKey(label: string): string {
  return `port-${label}`;
}

/** In the order of the keys. `fromEntries` makes own properties even of `__proto__`, which Consul takes as a key. */
export function metaOf(pairs: readonly MetaPair[]): Readonly<Record<string, string>> {
  return Object.fromEntries([...pairs].sort(([left], [right]) => byText(left, right)));
}

function readMeta(service: Service, reserved: ReadonlySet<string>, problems: ServiceProblem[]): MetaPair[] {
  const kept: MetaPair[] = [];
  const left: ServiceProblem[] = [];
  const names = [...service.annotations.keys()].filter((name) => name.startsWith(META_PREFIX)).sort(byText);
  for (const name of names) {
    const key = name.slice(META_PREFIX.length);
    const value = (service.annotations.get(name) ?? '').trim();
    const wrong = wrongMeta(key, value, reserved);
    if (wrong === undefined) kept.push([key, value]);
    else left.push(invalid(name, `${quote(value)} is left out: ${wrong}`));
  }
  const more = (count: number): ServiceProblem =>
    invalid(`${META_PREFIX}*`, `${count} more are left out for reasons like these`);
  problems.push(...firstOf(left, TOLD, (problem) => problem, more));
  return kept;
}

function invalid(name: string, message: string): ServiceProblem {
  return { reason: 'invalid-meta', at: `${ANNOTATION_PREFIX}${name}`, message };
}

function wrongMeta(key: string, value: string, reserved: ReadonlySet<string>): string | undefined {
  if (!META_KEY.test(key))
    return `${quote(key)} is not 1 to 128 characters of A-Z a-z 0-9 _ -; rename the key`;
  if (key.startsWith('consul-'))
    return 'Consul keeps keys that start with "consul-" for itself; rename the key';
  if (reserved.has(key)) return `${quote(key)} is written by Tandem and cannot be set; rename the key`;
  if (hasControlInLines(value)) return 'it holds a control character; remove that';
  const bytes = Buffer.byteLength(value);
  return bytes > META_VALUE_BYTES
    ? `it has ${bytes} bytes and Consul takes ${META_VALUE_BYTES}; shorten it`
    : undefined;
}

function tooMuch(asked: number, ports: number, left: number): ServiceProblem {
  return {
    reason: 'too-much-meta',
    at: `${ANNOTATION_PREFIX}${META_PREFIX}*`,
    message: `${asked} annotations and ${ports} ports do not fit into the ${META_PAIRS} pairs that Consul takes, of which Tandem writes ${OWN_KEYS.length}; ${left} are left out, remove annotations`,
  };
}
