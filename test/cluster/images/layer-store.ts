/** Layers that are kept between runs, and written again only when what they hold has changed. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '../../../deploy/image/layer-entries.ts';
import { writeLayer, type Blob } from '../../../deploy/image/layer.ts';

/** Gives the layer of these entries; the same list of them is written once, however often it is asked for. */
export type LayerStore = (entries: readonly Entry[]) => Promise<Blob>;

/** @param folder made when it is not there; several processes may use it at once */
export async function layerStore(folder: string): Promise<LayerStore> {
  await mkdir(folder, { recursive: true });
  const asked = new Map<readonly Entry[], Promise<Blob>>();
  return (entries) => {
    const layer = asked.get(entries) ?? keptOrWritten(folder, entries);
    asked.set(entries, layer);
    return layer;
  };
}

async function keptOrWritten(folder: string, entries: readonly Entry[]): Promise<Blob> {
  const inputs = createHash('sha256').update(JSON.stringify(entries)).digest('hex');
  const record = join(folder, `inputs-${inputs}`);
  if (await isKept(record)) {
    const digest = await readFile(record, 'utf8');
    const file = join(folder, digest);
    if (await isKept(file)) return { digest: `sha256:${digest}`, size: (await stat(file)).size, file };
  }
  const blob = await writeLayer(entries, folder);
  const draft = `${record}.${randomUUID()}`;
  await writeFile(draft, blob.digest.replace('sha256:', ''));
  await rename(draft, record);
  return blob;
}

/** Whether the file is there; its time of access tells that it is still of use. */
export async function isKept(file: string): Promise<boolean> {
  try {
    await utimes(file, new Date(), (await stat(file)).mtime);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
