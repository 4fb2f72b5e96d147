/** The images that a cluster starts with. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageArchive } from './image-store.ts';

export const SANDBOX_IMAGE = 'pause:local';
export const DNS_IMAGE = 'coredns:local';

/** Every archive of the folder TANDEM_CLUSTER_IMAGES. */
export async function clusterImages(): Promise<readonly ImageArchive[]> {
  const folder = process.env['TANDEM_CLUSTER_IMAGES'] ?? '';
  const names = readdirSync(folder).filter((name) => name.endsWith('.tar'));
  return names.map((name) => ({ name, archive: join(folder, name) }));
}
