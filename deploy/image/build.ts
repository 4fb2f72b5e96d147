/** `npm run image`, `npm run image -- FILE`: the image as an archive, without a container engine. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ensureParts, partPath } from '../../test/real/parts.ts';
import { image } from './image.ts';
import { writeLayer } from './layer.ts';
import { writeArchive } from './oci-archive.ts';
import { digestOf } from './oci-documents.ts';
import { baseLayer, tandemImage } from './tandem-image.ts';

const file = resolve(
  process.argv[2] ?? join(import.meta.dirname, '../../dist', `${image.name.replace(':', '-')}.tar`),
);
try {
  await ensureParts(['base-image']);
} catch (error) {
  // It names the command that brings the part; where in the program it was missed helps nobody.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
await mkdir(dirname(file), { recursive: true });
const aside = await mkdtemp(join(dirname(file), 'image-'));
try {
  const folders = { bundle: join(aside, 'bundle'), layers: join(aside, 'layers') };
  await mkdir(folders.layers);
  const plan = await tandemImage(await baseLayer(partPath('base-image')), folders.bundle);
  const layers = await Promise.all(plan.layers.map((entries) => writeLayer(entries, folders.layers)));
  const built = { ...plan, layers };
  await writeArchive(file, [built]);
  process.stdout.write(`${file}\n${image.name}\n${digestOf(built)}\n`);
} finally {
  await rm(aside, { recursive: true });
}
