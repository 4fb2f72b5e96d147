/** Layers of images: tar archives whose bytes depend on what they hold, not on who made them or when. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack, type Header, type Pack } from 'tar-stream';
import { capabilityRecord } from './file-capability.ts';
import type { Entry } from './layer-entries.ts';

/** A layer on disk, as the OCI image specification names it (descriptor.md): not compressed, so its diff ID is its digest. */
export type Blob = { readonly digest: string; readonly size: number; readonly file: string };

// 1970, as SOURCE_DATE_EPOCH=0 makes it.
export const EPOCH = new Date(0);

/** Writes the layer into the folder, under the hexadecimal digits of its digest. Parents that no entry names are added. */
export async function writeLayer(entries: readonly Entry[], folder: string): Promise<Blob> {
  const aside = await mkdtemp(join(folder, 'layer-'));
  try {
    const draft = join(aside, 'layer.tar');
    const hash = createHash('sha256');
    const archive = pack();
    await Promise.all([
      addAll(archive, entries),
      pipeline(chunksOf(archive, hash), createWriteStream(draft)),
    ]);
    const digest = hash.digest('hex');
    const file = join(folder, digest);
    await rename(draft, file);
    return { digest: `sha256:${digest}`, size: (await stat(file)).size, file };
  } finally {
    await rm(aside, { recursive: true });
  }
}

/** What an archive consists of, as it comes, and of the same the hash. */
export async function* chunksOf(archive: Pack, hash?: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of archive as AsyncIterable<Buffer>) {
    hash?.update(chunk);
    yield chunk;
  }
}

async function addAll(archive: Pack, entries: readonly Entry[]): Promise<void> {
  try {
    for (const entry of inOrder(entries)) await add(archive, entry);
    archive.finalize();
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** By path, byte by byte: a folder comes before what it holds, and a file before its hard links. */
function inOrder(entries: readonly Entry[]): readonly Entry[] {
  const byPath = new Map(entries.map((entry) => [entry.at, entry]));
  for (const { at } of entries)
    for (const parent of parentsOf(at))
      if (!byPath.has(parent))
        byPath.set(parent, { kind: 'directory', at: parent, mode: 0o755, uid: 0, gid: 0 });
  return [...byPath.values()].toSorted((one, other) =>
    Buffer.compare(Buffer.from(one.at), Buffer.from(other.at)),
  );
}

function parentsOf(path: string): readonly string[] {
  const words = path.split('/').slice(0, -1);
  return words.map((_, index) => words.slice(0, index + 1).join('/'));
}

async function add(archive: Pack, entry: Entry): Promise<void> {
  const { at: name, mode, uid, gid } = entry;
  const common = { name, mode, uid, gid, mtime: EPOCH };
  switch (entry.kind) {
    case 'directory':
      return addEntry(archive, { ...common, name: `${name}/`, type: 'directory' });
    case 'symlink':
      return addEntry(archive, { ...common, type: 'symlink', linkname: entry.target });
    case 'hard-link':
      return addEntry(archive, { ...common, type: 'link', linkname: entry.target });
    case 'text':
      return addEntry(archive, { ...common, type: 'file' }, entry.text);
    case 'file':
      return pipeline(
        createReadStream(entry.from, { highWaterMark: 1 << 20 }),
        archive.entry({
          ...common,
          type: 'file',
          size: entry.size,
          ...(entry.capability === undefined ? {} : { pax: capabilityRecord(entry.capability) }),
        }),
      );
  }
}

export function addEntry(
  archive: Pack,
  header: Partial<Header> & Pick<Header, 'name'>,
  body = '',
): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, body, (error) => (error ? reject(error) : resolve()));
  });
}
