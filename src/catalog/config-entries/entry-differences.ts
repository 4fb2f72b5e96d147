/** Where two entries differ. */
import { isObject, property, type JsonObject } from '../../support/json.ts';
import { canonicalEntry } from './canonical-entry.ts';
import { consulKeyOf } from './consul-key.ts';
import { fieldPath } from './entry-path.ts';
import type { EntryField, EntryKind, FieldTable } from './entry-table.ts';

export type EntryDifference = {
  /** In Consul's spelling: `Sources["web"].Action`. */
  readonly path: string;
  /** In canonical form; undefined where there is none. */
  readonly desired: unknown;
  readonly observed: unknown;
  /** The value is plain and its field holds no secrets, so anyone who may create an object of this name may read it. */
  readonly isShown: boolean;
};

/** More than anybody reads. */
const MOST = 100;

/**
 * By canonical forms, Meta excluded; empty when the entries mean the same. At most 100.
 *
 * @param desired as `toConsulEntry` makes it
 * @param observed as Consul answers
 */
export function entryDifferences(
  kind: EntryKind,
  desired: JsonObject,
  observed: JsonObject,
): readonly EntryDifference[] {
  const found: EntryDifference[] = [];
  const both = [canonicalEntry(kind, desired, 'sent'), canonicalEntry(kind, observed, 'read')] as const;
  compare(both, { path: [], field: undefined, fields: kind.fields }, found);
  return found;
}

type At = {
  readonly path: readonly (string | number)[];
  /** Undefined where the author or Consul chose the name. */
  readonly field: EntryField | undefined;
  readonly fields: FieldTable;
};

/** Ends where one of the two ends: an entry is never nested deeper than what the validator lets through. */
function compare([desired, observed]: readonly [unknown, unknown], at: At, found: EntryDifference[]): void {
  if (found.length >= MOST || desired === observed) return;
  if (Array.isArray(desired) && Array.isArray(observed)) {
    const length = Math.max(desired.length, observed.length);
    for (let index = 0; index < length && found.length < MOST; index += 1)
      compare([desired[index], observed[index]], below(at, index), found);
  } else if (isObject(desired) && isObject(observed)) {
    for (const key of new Set([...Object.keys(desired), ...Object.keys(observed)]))
      compare([property(desired, key), property(observed, key)], below(at, key), found);
  } else {
    found.push({ path: fieldPath(at.path), desired, observed, isShown: isPlain(at.field) });
  }
}

/** A list that stands for a set is compared as an object, by the keys of its elements. */
function below({ path, field, fields }: At, step: string | number): At {
  const of = field?.type === 'list' || field?.type === 'keyed' ? field.of : undefined;
  const [, named] = Object.entries(fields).find(([name, each]) => consulKeyOf(name, each) === step) ?? [];
  const inside = of ?? named;
  return { path: [...path, step], field: inside, fields: inside?.type === 'object' ? inside.fields : {} };
}

function isPlain(field: EntryField | undefined): boolean {
  if (field?.type === 'string') return field.isSecret !== true;
  return field !== undefined && ['integer', 'number', 'boolean', 'duration'].includes(field.type);
}
