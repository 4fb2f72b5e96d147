/** Where two entries differ. */
import { isObject, property, type JsonObject } from '../../support/json.ts';
import { canonicalEntry } from './canonical-entry.ts';
import { fieldPath } from './entry-path.ts';
import type { EntryKind } from './entry-table.ts';

export type EntryDifference = {
  /** In Consul's spelling: `Sources["web"].Action`. */
  readonly path: string;
  /** In canonical form; undefined where there is none. */
  readonly desired: unknown;
  readonly observed: unknown;
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
  compare(canonicalEntry(kind, desired, 'sent'), canonicalEntry(kind, observed, 'read'), [], found);
  return found;
}

/** Ends where one of the two ends: an entry is never nested deeper than what the validator lets through. */
function compare(
  desired: unknown,
  observed: unknown,
  path: readonly (string | number)[],
  found: EntryDifference[],
): void {
  if (found.length >= MOST || desired === observed) return;
  if (Array.isArray(desired) && Array.isArray(observed)) {
    const length = Math.max(desired.length, observed.length);
    for (let index = 0; index < length && found.length < MOST; index += 1)
      compare(desired[index], observed[index], [...path, index], found);
  } else if (isObject(desired) && isObject(observed)) {
    for (const key of new Set([...Object.keys(desired), ...Object.keys(observed)]))
      compare(property(desired, key), property(observed, key), [...path, key], found);
  } else {
    found.push({ path: fieldPath(path), desired, observed });
  }
}
