/** Whether a custom resource of a config entry may be stored: every problem at once, without looking at other objects. */
import { isDeepStrictEqual } from 'node:util';
import { ENTRY_GROUP, ENTRY_VERSION, entryKindOf } from '../catalog/config-entries/entry-kinds.ts';
import { readEntryObject } from '../catalog/config-entries/entry-object.ts';
import { validateEntry, type EntryProblem } from '../catalog/config-entries/validate-entry.ts';
import type { Warning } from '../inject/result.ts';
import type { Problem } from '../model/problem.ts';
import { property } from '../support/json.ts';
import type { AdmissionRequest } from './admission-review.ts';
import type { EntryAdmissionReason } from './entry-admission-reasons.ts';

export type EntryAdmission =
  | { readonly kind: 'skip'; readonly reason: EntryAdmissionReason; readonly warnings: readonly Warning[] }
  | {
      readonly kind: 'invalid';
      readonly problems: readonly Problem[];
      readonly warnings: readonly Warning[];
    };

/**
 * Denies what Consul refuses and what cannot work. A kind of Consul Enterprise is admitted with a warning: manifests that were
 * written for both apply.
 */
export function admitEntry({
  kind: groupVersionKind,
  operation,
  object: raw,
  oldObject,
}: Pick<AdmissionRequest, 'kind' | 'operation' | 'object' | 'oldObject'>): EntryAdmission {
  const prefix = `${ENTRY_GROUP}/${ENTRY_VERSION}/`;
  const name = groupVersionKind.startsWith(prefix) ? groupVersionKind.slice(prefix.length) : '';
  const kind = entryKindOf(name);
  const object = readEntryObject(raw, name);
  const isChange = operation === 'CREATE' || operation === 'UPDATE';
  if (kind?.kind !== name || object === undefined || !isChange) return allowed('entry-unknown');
  // The match condition keeps the API server from asking then, but one before 1.28 does not know it.
  if (object.deletionTimestamp !== undefined) return allowed('entry-unchanged');
  if (operation === 'UPDATE' && isDeepStrictEqual(property(raw, 'spec'), property(oldObject, 'spec')))
    return allowed('entry-unchanged');
  const found = validateEntry(kind, object);
  if (kind.enterprise === true) return allowed('entry-valid', found.map(warningOf));
  const problems = found.filter(({ level }) => level !== 'warning').map(problemOf);
  const warnings = found.filter(({ level }) => level === 'warning').map(warningOf);
  return problems.length === 0 ? allowed('entry-valid', warnings) : { kind: 'invalid', problems, warnings };
}

function allowed(reason: EntryAdmissionReason, warnings: readonly Warning[] = []): EntryAdmission {
  return { kind: 'skip', reason, warnings };
}

function problemOf({ path, message }: EntryProblem): Problem {
  return { at: path, message };
}

function warningOf(problem: EntryProblem): Warning {
  return { reason: 'config-entry', ...problemOf(problem) };
}
