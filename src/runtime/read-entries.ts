/** The config entries in manifests, with the place of every problem in its file. */
import type { Readable } from 'node:stream';
import { ENTRY_GROUP, entryKindOf } from '../catalog/config-entries/entry-kinds.ts';
import { readEntryObject, type EntryObject } from '../catalog/config-entries/entry-object.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import { entryName } from '../catalog/config-entries/to-consul-entry.ts';
import { validateEntry, type EntryProblem } from '../catalog/config-entries/validate-entry.ts';
import { listedObjects } from '../manifests/listed-objects.ts';
import { property, textAt } from '../support/json.ts';
import { quote } from '../support/text.ts';
import { readManifestDocuments, type PlacedDocument } from './manifest-documents.ts';

/** `FILE:LINE` */
type Place = { readonly place: string };

type EntryManifest = Place & {
  readonly kind: EntryKind;
  readonly object: EntryObject;
  readonly problems: readonly (EntryProblem & Place)[];
};

/**
 * Objects of other kinds are ignored.
 *
 * @param operands files, folders, or `-`
 * @throws TandemError TANDEM_FILE_UNREADABLE
 */
export async function readEntryManifests(
  operands: readonly string[],
  stdin: Readable,
): Promise<readonly EntryManifest[]> {
  return entryManifestsOf(await readManifestDocuments(operands, stdin));
}

/** The same, of documents that have been read. */
export function entryManifestsOf(documents: readonly PlacedDocument[]): readonly EntryManifest[] {
  const holders = new Map<string, string>();
  return documents.flatMap(({ value, placeOf }) =>
    listedObjects(value).flatMap(({ object: raw, path }): EntryManifest[] => {
      const kind = entryKindOfManifest(raw);
      const object = kind === undefined ? undefined : readEntryObject(raw);
      if (kind === undefined || object === undefined) return [];
      const place = placeOf(path);
      const found = [...validateEntry(kind, object), ...nameTaken(kind, object, place, holders)];
      return [
        {
          kind,
          object,
          place,
          problems: found.map((problem) => ({ ...problem, place: placeOf([...path, ...problem.keys]) })),
        },
      ];
    }),
  );
}

/** A line for each problem, warnings among them. */
export function problemLines({ object, problems }: EntryManifest): readonly string[] {
  return problems.map(
    ({ place, path, message, level }) =>
      `${place}: ${level}: ${object.kind} ${object.name}: ${path}: ${message}`,
  );
}

export function isInvalid({ problems }: EntryManifest): boolean {
  return problems.some(({ level }) => level !== 'warning');
}

/** Undefined for an object of any other kind. */
export function entryKindOfManifest(raw: unknown): EntryKind | undefined {
  const group = textAt(raw, 'apiVersion').split('/')[0];
  const kind = entryKindOf(textAt(raw, 'kind'));
  // Consul's own names of kinds do not exist in Kubernetes.
  return group === ENTRY_GROUP && kind?.kind === property(raw, 'kind') ? kind : undefined;
}

/** If two objects are for one entry, only one can be written; Consul treats `Web` and `web` as the same. */
function nameTaken(
  kind: EntryKind,
  object: EntryObject,
  place: string,
  holders: Map<string, string>,
): readonly EntryProblem[] {
  const name = entryName(kind, object);
  const entry = `${kind.entryKind}/${name.toLowerCase()}`;
  const holder = holders.get(entry);
  if (holder === undefined) holders.set(entry, place);
  if (holder === undefined || name === '') return [];
  const message = `the entry ${quote(name)} is also that of the object at ${holder}; only one of them can be written`;
  return [{ path: 'metadata.name', keys: ['metadata', 'name'], message, level: 'denied' }];
}
