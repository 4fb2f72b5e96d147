/** The image of Tandem by the list of image.ts, on a root file system of ours instead of one of a registry. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import { image } from './image.ts';
import { file, program, tree, type Entry } from './layer-entries.ts';
import type { ImageConfig } from './oci-documents.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/node/bin/node');

const SETUID_AND_SETGID = 0o6000;

/** An image whose layers are still to be written. */
export type ImagePlan = {
  readonly name: string;
  readonly config: ImageConfig;
  readonly layers: readonly (readonly Entry[])[];
};

/**
 * A Debian for layers. All in it is root's, so programs that change to their owner or its group would change to root: none
 * does, for nothing in our images needs it.
 */
export async function baseLayer(folder: string): Promise<readonly Entry[]> {
  return (await tree(folder)).map((entry) => ({ ...entry, mode: entry.mode & ~SETUID_AND_SETGID }));
}

/** @param base a Debian; @param folder an empty one, for the bundle */
export async function tandemImage(base: readonly Entry[], folder: string): Promise<ImagePlan> {
  await bundle(folder);
  const files = [
    ...(await readdir(folder)).map((name) => ({ from: join(folder, name), at: `${image.bundle}/${name}` })),
    ...image.files.map(({ from, at }) => ({ from: join(ROOT, from), at })),
  ];
  const own = await Promise.all(files.map(({ from, at }) => file(from, at.slice(1))));
  return { name: image.name, config: image, layers: [base, [await nodeProgram()], own] };
}

/** The Node.js of the locked dependencies, where the image `node` has it. */
export async function nodeProgram(): Promise<Entry> {
  if (!existsSync(NODE)) throw new Error(`there is no ${NODE}: npm ci`);
  return program(NODE, 'usr/local/bin/node');
}
