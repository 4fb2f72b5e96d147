/** `clusterImages()`: the images that a cluster of these tests has, as archives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { baseLayer, tandemImage, type ImagePlan } from '../../../deploy/image/tandem-image.ts';
import { cacheRoot, ensureParts, partPath } from '../../real/parts.ts';
import { archiveOf, prune } from './archives.ts';
import { layerStore } from './layer-store.ts';
import { imagePlans, partsOfImages } from './plans.ts';

export type ClusterImages = { readonly name: string; readonly archive: string };

/**
 * Writes what has changed, and gives the archives, each of one or more images, so that the layers that they share are there
 * once. An archive that is not asked for again is removed after minutes: import it soon.
 */
export async function clusterImages(): Promise<readonly ClusterImages[]> {
  await ensureParts(partsOfImages);
  const folder = join(cacheRoot(process.env, homedir()), 'images');
  const layers = join(folder, 'layers');
  const store = await layerStore(layers);
  const aside = await mkdtemp(join(folder, 'bundle-'));
  try {
    const base = await baseLayer(partPath('base-image'));
    const archive = async (name: string, plans: readonly ImagePlan[]): Promise<ClusterImages> => ({
      name,
      archive: await archiveOf(folder, name, plans, store),
    });
    // That of Tandem changes with every change of its sources, the others hardly ever.
    return [
      await archive('tandem', [await tandemImage(base, aside)]),
      await archive('others', await imagePlans(base, partPath)),
    ];
  } finally {
    await rm(aside, { recursive: true });
    await prune(folder, ['layers']);
    await prune(layers);
  }
}
