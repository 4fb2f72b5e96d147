/** Custom resources for tests. */
import { entryKindOf } from '../../../../src/catalog/config-entries/entry-kinds.ts';
import { readEntryObject, type EntryObject } from '../../../../src/catalog/config-entries/entry-object.ts';
import type { EntryKind } from '../../../../src/catalog/config-entries/entry-table.ts';

export function kindOf(name: string): EntryKind {
  const kind = entryKindOf(name);
  if (kind === undefined) throw new Error(`no kind ${name}`);
  return kind;
}

export function objectOf(kind: string, spec: unknown, metadata: object = {}): EntryObject {
  const name = kindOf(kind).naming;
  const given = name.from !== 'destination' && name.only !== undefined ? name.only : 'web';
  const object = readEntryObject({ kind, metadata: { name: given, namespace: 'shop', ...metadata }, spec });
  if (object === undefined) throw new Error('no object');
  return object;
}
