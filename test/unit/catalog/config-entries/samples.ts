/** The worked examples of the docs, one for each kind. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ENTRY_KINDS } from '../../../../src/catalog/config-entries/entry-kinds.ts';
import { readEntryObject, type EntryObject } from '../../../../src/catalog/config-entries/entry-object.ts';
import type { EntryKind } from '../../../../src/catalog/config-entries/entry-table.ts';
import type { JsonObject } from '../../../../src/support/json.ts';

const FOLDER = join(import.meta.dirname, '../../../../examples/config-entries');

type Sample = { readonly kind: EntryKind; readonly manifest: JsonObject; readonly object: EntryObject };

export const samples: readonly Sample[] = ENTRY_KINDS.map((kind) => {
  const manifest = parse(readFileSync(join(FOLDER, `${kind.entryKind}.yaml`), 'utf8')) as JsonObject;
  const object = readEntryObject(manifest);
  if (object === undefined) throw new Error(`${kind.entryKind}: no object`);
  return { kind, manifest, object };
});
