/** The annotations of a Service that the sync reads, and what is kept of them in memory, within bounds. */
import { ANNOTATION_PREFIX, META_PREFIX } from './kubernetes-names.ts';
import { byText } from './instance.ts';
import { isObject } from '../support/json.ts';

/** By name without the prefix: one table for the sync, for warnings about pods, and for docs/annotations.md. */
export const serviceAnnotations = {
  'service-sync': {
    value: 'boolean',
    default: '`--default-sync`',
    meaning: 'Whether the Service is synced to Consul.',
  },
  'service-name': {
    value: '1-255 characters, no control characters',
    default: '`<prefix><service>[-<namespace>]`',
    meaning: 'Name in Consul. It replaces the default name with its prefix and suffix.',
  },
  'service-port': {
    value: 'name of a port, or a number',
    default: 'the first port',
    meaning: 'Port that is registered.',
  },
  'service-tags': {
    value: 'comma list, `\\,` is a comma; no control characters',
    default: 'none',
    meaning: 'Tags after the one of `--consul-k8s-tag`.',
  },
  'service-weight': {
    value: '1-65535',
    default: '1',
    meaning: 'Weight of every instance while its checks pass.',
  },
} as const;

/** By name without the prefix. */
export type ServiceAnnotations = {
  readonly annotations: ReadonlyMap<string, string>;
  /** Values that the API server would refuse but a file can hold: read as their JSON. */
  readonly notText: readonly string[];
  /** Beyond the bounds. */
  readonly leftOut: readonly string[];
  /** There are some in a form that is no map, which the API server would refuse too: a list of pairs, mostly. */
  readonly areNoMap: boolean;
};

const READ_PREFIX = `${ANNOTATION_PREFIX}service-`;
/**
 * An object may have 256 KiB of annotations, and a stranger may create hundreds of objects. Consul accepts at most 64
 * pairs of meta of 128 and 512 bytes, 40 KiB; the rest is for names and tags.
 */
const BOUNDS = { count: 128, characters: 48 * 1024 };
// Above every length at which a name, port, weight or boolean is refused: what is cut here stays wrong.
const SHORT = 1024;

const NONE: ServiceAnnotations = { annotations: new Map(), notText: [], leftOut: [], areNoMap: false };

/** Total. What is kept does not depend on the order in the object. */
export function readServiceAnnotations(raw: unknown): ServiceAnnotations {
  if (!isObject(raw)) return { ...NONE, areNoMap: raw !== undefined && raw !== null };
  const found = Object.entries(raw)
    .filter(([name]) => name.startsWith(READ_PREFIX))
    .map(([name, value]) => readAnnotation(name.slice(ANNOTATION_PREFIX.length), value))
    .sort(byUse);
  if (found.length === 0) return NONE;
  const annotations = new Map<string, string>();
  const leftOut: string[] = [];
  let room = BOUNDS.characters;
  for (const { name, text } of found) {
    const size = name.length + text.length;
    if (size > room || annotations.size === BOUNDS.count) leftOut.push(name);
    else {
      annotations.set(name, text);
      room -= size;
    }
  }
  return {
    annotations,
    notText: found.filter(({ name, isText }) => !isText && annotations.has(name)).map(({ name }) => name),
    leftOut: leftOut.slice(0, BOUNDS.count),
    areNoMap: false,
  };
}

type Found = { readonly name: string; readonly text: string; readonly isText: boolean };

function readAnnotation(name: string, value: unknown): Found {
  const isText = typeof value === 'string';
  const text = isText ? value : value === null ? '' : (JSON.stringify(value) ?? '');
  return { name, text: isLong(name) ? text : text.slice(0, SHORT), isText };
}

function isLong(name: string): boolean {
  return name.startsWith(META_PREFIX) || name === 'service-tags';
}

/** Those that decide come first: nothing may crowd them out. */
function byUse(left: Found, right: Found): number {
  const order = Number(isLong(left.name)) - Number(isLong(right.name));
  return order || byText(left.name, right.name);
}
