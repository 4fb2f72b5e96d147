/** A part is in the cache whole or not at all. */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../part-table.ts';
import { partFolder } from '../parts.ts';

const STAGING = '.staging-';

/**
 * Runs `work` with an empty folder in the cache, and gives that folder the name of the part when `work` has ended
 * well. What a killed process left half done is removed first, so the caller holds the lock of the cache.
 */
export async function withStaging(
  root: string,
  part: Part,
  work: (staging: string) => Promise<void>,
): Promise<void> {
  const target = partFolder(root, part);
  await mkdir(root, { recursive: true });
  for (const left of await readdir(root)) {
    if (left.startsWith(STAGING)) await rm(join(root, left), { recursive: true, force: true });
  }
  // A new name each time: a tool that outlived an ended process cannot write into this attempt.
  const staging = await mkdtemp(join(root, STAGING));
  try {
    await work(staging);
    await rm(target, { recursive: true, force: true });
    await rename(staging, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
