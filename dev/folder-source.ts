/** A folder of manifests in the place of a cluster, followed as its files change. */
import { watch } from 'node:fs';
import type { Readable } from 'node:stream';
import { toConsulEntry } from '../src/catalog/config-entries/to-consul-entry.ts';
import type { Source } from '../src/controllers/sync-ports.ts';
import type { JsonObject } from '../src/support/json.ts';
import { localCluster } from './local-cluster.ts';
import { readManifestDocuments } from '../src/runtime/manifest-documents.ts';
import { manifestObjectsOf } from '../src/runtime/manifest-objects.ts';
import { entryManifestsOf, isInvalid, problemLines } from '../src/runtime/read-entries.ts';
import { createObjectSnapshot } from '../src/runtime/object-snapshot.ts';
import { createListeners } from '../src/support/listeners.ts';

type FolderSource = Source & { readonly close: () => void };

/** The objects, those that are there more than once, and the problems of config entries; or why the files cannot be read. */
export type ReadOutcome =
  | {
      readonly objects: number;
      readonly repeated: readonly string[];
      readonly invalid: readonly string[];
      /** As Consul would have them: those of objects that are valid. */
      readonly entries: readonly JsonObject[];
    }
  | { readonly error: unknown };

type FolderSourceOptions = {
  /** Files and folders. */
  readonly operands: readonly string[];
  readonly stdin: Readable;
  /** The files were read again. When they could not be, what was read before stays. */
  readonly onRead: (outcome: ReadOutcome) => void;
};

// An editor writes, renames and sets attributes; a moment later all of it is done.
const QUIET = 50;

/** @throws TandemError TANDEM_FILE_UNREADABLE when the first reading fails */
export async function folderSource({ operands, stdin, onRead }: FolderSourceOptions): Promise<FolderSource> {
  const { snapshot, replace } = createObjectSnapshot();
  const { tell, onChange } = createListeners<[sources: readonly string[]]>();
  const load = async (): Promise<void> => {
    const documents = await readManifestDocuments(operands, stdin);
    const { objects: read, repeated } = manifestObjectsOf(documents);
    const manifests = entryManifestsOf(documents);
    const invalid = manifests.filter(isInvalid).flatMap(problemLines);
    const entries = manifests
      .filter((manifest) => !isInvalid(manifest))
      .map(({ kind, object }) => toConsulEntry(kind, object));
    const objects: readonly JsonObject[] = localCluster(read);
    const touched = replace(objects);
    onRead({ objects: objects.length, repeated, invalid, entries });
    if (touched.length > 0) tell(touched);
  };
  let last = load();
  // One after the other: what an earlier read has found must not come after what a later one has.
  const loadInTurn = (): Promise<void> => (last = last.catch(() => undefined).then(load));
  await last;
  const stop = follow(operands, () => void loadInTurn().catch((error: unknown) => onRead({ error })));
  return {
    snapshot,
    synced: () => Promise.resolve(),
    onChange,
    refresh: loadInTurn,
    // Nothing else leads here.
    relist: () => new Map(),
    close: stop,
  };
}

/** The answer ends it; nothing is called after that. */
function follow(operands: readonly string[], changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const later = (): void => {
    clearTimeout(timer);
    timer = setTimeout(changed, QUIET);
  };
  const watchers = operands
    .filter((operand) => operand !== '-')
    .map((operand) => watch(operand, { recursive: true }, later).on('error', later));
  return () => {
    clearTimeout(timer);
    for (const each of watchers) each.close();
  };
}
