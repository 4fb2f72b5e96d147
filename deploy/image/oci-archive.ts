/**
 * Archives of images that `docker load`, `ctr images import` and `kind load image-archive` take: an OCI image layout
 * (image-spec, image-layout.md) with the manifest.json of `docker save` over the same blobs.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';
import { addEntry, chunksOf, EPOCH } from './layer.ts';
import { blobPath, textsOf, type Image } from './oci-documents.ts';

/** Writes the archive; a layer that several images share is in it once. Nothing is ever at `file` but a whole archive. */
export async function writeArchive(file: string, images: readonly Image[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const aside = await mkdtemp(join(dirname(file), 'archive-'));
  try {
    const draft = join(aside, 'image.tar');
    const archive = pack();
    await Promise.all([addAll(archive, images), pipeline(chunksOf(archive), createWriteStream(draft))]);
    await rename(draft, file);
  } finally {
    await rm(aside, { recursive: true });
  }
}

async function addAll(archive: Pack, images: readonly Image[]): Promise<void> {
  const layers = new Map(images.flatMap((image) => image.layers).map((layer) => [layer.digest, layer]));
  try {
    for (const { at, text } of textsOf(images)) await addEntry(archive, header(at), text);
    for (const { digest, size, file } of layers.values()) {
      const entry = archive.entry({ ...header(blobPath(digest)), size });
      await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), entry);
    }
    archive.finalize();
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

function header(name: string): { name: string; mode: number; mtime: Date; type: 'file' } {
  return { name, mode: 0o644, mtime: EPOCH, type: 'file' };
}
