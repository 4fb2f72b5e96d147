/** Changes of config entries, as a plan has them. */
import assert from 'node:assert/strict';
import type { EntryWrite } from '../../../src/catalog/config-entries/decide-entry.ts';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { readEntryObject } from '../../../src/catalog/config-entries/entry-object.ts';
import {
  entryKey,
  type EntryPlan,
  type EntryRemoval,
} from '../../../src/catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../../../src/catalog/config-entries/entry-table.ts';

export const ENTRY_SETTINGS = {
  owner: 'one',
  datacenter: 'dc1',
  adopt: false,
  policy: 'sync',
  allowNamespaces: ['*'],
} as const;

function kindOf(name: string): EntryKind {
  const kind = entryKindOf(name);
  assert.ok(kind !== undefined, name);
  return kind;
}

/** @param place of the object: `namespace/name` */
export function writeOf(kindName: string, place: string, generation = 1): EntryWrite {
  const kind = kindOf(kindName);
  const [namespace = '', name = ''] = place.split('/');
  const metadata = { name, namespace, uid: `${kindName}/${place}`, generation };
  const object = readEntryObject({ kind: kindName, metadata, spec: {} });
  assert.ok(object !== undefined);
  return {
    action: 'create',
    reason: 'missing',
    key: entryKey(kind, name),
    kind,
    name,
    object,
    entry: { Kind: kind.entryKind, Name: name },
    index: 0,
    differences: [],
    notes: [],
    isRenamed: false,
  };
}

export function removalOf(kindName: string, place: string, after?: string): EntryRemoval {
  const kind = kindOf(kindName);
  const name = place.split('/')[1] ?? '';
  return {
    action: 'delete',
    reason: after === undefined ? 'object-gone' : 'renamed',
    key: entryKey(kind, name),
    kind,
    name,
    place,
    index: 7,
    after,
  };
}

export function planOf(writes: readonly EntryWrite[], removals: readonly EntryRemoval[] = []): EntryPlan {
  const objects = writes.map(({ object, kind, key, name }) => ({
    object,
    kind,
    entry: { key, name },
    state: { kind: 'pending' } as const,
  }));
  return { objects, writes, removals, kept: [], owned: 0 };
}
