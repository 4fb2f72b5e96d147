/** Archives of images that are kept between runs, and made again only when something in them has changed. */
import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeArchive } from '../../../deploy/image/oci-archive.ts';
import { digestOf, type Image } from '../../../deploy/image/oci-documents.ts';
import type { ImagePlan } from '../../../deploy/image/tandem-image.ts';
import { isKept, type LayerStore } from './layer-store.ts';

// Longer than it takes from the path of an archive to its import, so that runs do not take from each other.
const KEPT_MILLISECONDS = 600_000;

/** Path of one archive of all these images; its name tells its content. */
export async function archiveOf(
  folder: string,
  name: string,
  plans: readonly ImagePlan[],
  store: LayerStore,
): Promise<string> {
  const images: readonly Image[] = await Promise.all(
    plans.map(async (plan) => ({ ...plan, layers: await Promise.all(plan.layers.map(store)) })),
  );
  const content = createHash('sha256');
  for (const image of images) content.update(`${image.name}@${digestOf(image)}\n`);
  const archive = join(folder, `${name}-${content.digest('hex').slice(0, 16)}.tar`);
  if (!(await isKept(archive))) {
    await writeArchive(archive, images);
    // Rounds its time of change, which then stays what it is.
    await isKept(archive);
  }
  return archive;
}

/**
 * Removes from a folder what nobody has used for a while: archives or layers of other sources, and what an interrupted run
 * has left. Folders whose names are in `except` stay.
 */
export async function prune(folder: string, except: readonly string[] = []): Promise<void> {
  for (const name of (await readdir(folder)).filter((found) => !except.includes(found))) {
    const path = join(folder, name);
    // Another run may have removed it.
    const read = (await stat(path).catch(() => undefined))?.atimeMs ?? Date.now();
    if (Date.now() - read > KEPT_MILLISECONDS) await rm(path, { recursive: true, force: true });
  }
}
