/**
 * What an entry means, in whatever form it was written or read: equal canonical forms are equal entries. The
 * rules were found by writing random entries to Consul 1.20.6 and reading them back.
 */
import { formatGoDuration, parseGoDuration } from '../../support/go-duration.ts';
import { isObject, property, type JsonObject } from '../../support/json.ts';
import { hundredths } from './entry-rules.ts';
import { BOOKKEEPING, consulKeyOf, TENANCY_KEYS } from './consul-key.ts';
import type {
  DurationField,
  EntryField,
  EntryKind,
  FieldTable,
  ListField,
  TextField,
} from './entry-table.ts';

/** Consul takes bytes as text and returns base64, and returns lists in opaque maps in another form than it takes them. */
type EntrySide = 'sent' | 'read';

/**
 * Without bookkeeping and Meta. A field that the table does not know is kept unless it is empty.
 *
 * @param entry in Consul's spelling
 * @param side whether it is what Tandem sends, or what Consul answers with
 */
export function canonicalEntry({ fields }: EntryKind, entry: JsonObject, side: EntrySide): JsonObject {
  return canonicalObject(fields, entry, side);
}

function canonicalObject(fields: FieldTable, value: JsonObject, side: EntrySide): JsonObject {
  const known = new Set<string>();
  const pairs: [string, unknown][] = [];
  for (const [name, field] of Object.entries(fields)) {
    const key = consulKeyOf(name, field);
    if (field.isNotSent === true) continue;
    known.add(key);
    const found = canonicalValue(field, property(value, key), side);
    if (found !== undefined) pairs.push([key, found]);
  }
  for (const [key, found] of Object.entries(value)) {
    if (known.has(key) || BOOKKEEPING.has(key) || isBlank(found)) continue;
    if (TENANCY_KEYS.has(key) && found === 'default') continue;
    pairs.push([key, found]);
  }
  return Object.fromEntries(pairs);
}

/** Undefined for a value that means the same as an absent one. */
function canonicalValue(field: EntryField, value: unknown, side: EntrySide): unknown {
  const given = value === null ? undefined : value;
  switch (field.type) {
    case 'string':
      return canonicalText(field, given);
    case 'integer': {
      if (given === undefined || (given === 0 && field.isPointer !== true)) return field.absentMeans;
      return positiveZero(given);
    }
    case 'number':
      return given === 0 ? undefined : field.isWeight === true ? twoPlaces(given) : given;
    case 'boolean':
      return given === false ? undefined : given;
    case 'duration':
      return canonicalDuration(field, given);
    case 'bytes':
      if (given === '' || typeof given !== 'string') return given === '' ? undefined : given;
      return side === 'sent' ? Buffer.from(given).toString('base64') : given;
    case 'list':
      return Array.isArray(given) ? canonicalList(field, given, side) : given;
    case 'map':
      return isObject(given) && Object.keys(given).length === 0 ? undefined : given;
    case 'keyed':
      if (!isObject(given)) return given;
      return nonEmpty(mapValues(given, (each) => canonicalValue(field.of, each ?? {}, side)));
    case 'opaque':
      return isObject(given) ? nonEmpty(side === 'sent' ? mapValues(given, unwrapped) : given) : given;
    case 'object': {
      if (!isObject(given)) return given;
      const found = canonicalObject(field.fields, given, side);
      return field.isValue === true ? nonEmpty(found) : found;
    }
  }
}

function canonicalText(field: TextField, value: unknown): unknown {
  if (value === undefined || value === '') return field.absentMeans;
  if (typeof value !== 'string' || field.fold === undefined) return value;
  return field.fold === 'lower' ? value.toLowerCase() : value.toUpperCase();
}

/** Consul gives some durations as text and some as nanoseconds. */
function canonicalDuration(field: DurationField, value: unknown): unknown {
  const nanoseconds =
    typeof value === 'string'
      ? parseGoDuration(value)
      : Number.isInteger(value)
        ? BigInt(value as number)
        : undefined;
  if (nanoseconds === undefined) return value === '' ? undefined : value;
  return nanoseconds === 0n && field.isPointer !== true ? undefined : formatGoDuration(nanoseconds);
}

function canonicalList(field: ListField, value: readonly unknown[], side: EntrySide): unknown {
  if (value.length === 0) return undefined;
  const elements = value.map((each) => canonicalValue(field.of, each, side) ?? null);
  const { setBy } = field;
  if (setBy === undefined) return elements;
  return Object.fromEntries(elements.map((each) => [setKey(each, setBy), each]));
}

/** `web`, or `web, cloud` with a peer. */
function setKey(element: unknown, keys: readonly string[]): string {
  return keys
    .map((key) => property(element, key))
    .filter((each) => typeof each === 'string')
    .join(', ');
}

function twoPlaces(weight: unknown): unknown {
  return typeof weight === 'number' ? positiveZero(hundredths(weight) / 100) : weight;
}

/** Consul decodes `[x]` as `x` where it expects anything: at the first level of opaque maps, and in a map that was in such a list. */
function unwrapped(value: unknown): unknown {
  if (!Array.isArray(value) || value.length !== 1) return value;
  const only: unknown = value[0];
  return isObject(only) ? mapValues(only, unwrapped) : only;
}

function mapValues(value: JsonObject, change: (each: unknown) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each)]));
}

function nonEmpty(value: JsonObject): JsonObject | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}

function positiveZero(value: unknown): unknown {
  return value === 0 ? 0 : value;
}

// Deeper than anything that Consul itself adds to an entry.
const DEEPEST_BLANK = 8;

function isBlank(value: unknown, depth = 0): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return true;
  return (
    typeof value === 'object' &&
    depth < DEEPEST_BLANK &&
    Object.values(value).every((each) => isBlank(each, depth + 1))
  );
}
