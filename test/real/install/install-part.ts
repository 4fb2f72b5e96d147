/** Brings one part into the cache; it counts as there when it has answered with its version. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Part } from '../part-table.ts';
import { findPart, partNamed } from '../parts.ts';
import { installDebianPart } from './debian-part.ts';
import { bootstrapPart } from './debootstrap-part.ts';
import { buildGoPart } from './go-part.ts';
import { withStaging } from './staging.ts';
import { unpackWheelPart } from './wheel-part.ts';
import type { Workbench } from './workbench.ts';

/** Throws with what the failing tool printed. The caller holds the lock of the cache. */
export async function installPart(root: string, part: Part, workbench: Workbench): Promise<void> {
  const { source } = part;
  if (source.kind === 'debian') return installDebianPart(part, source, workbench);
  if (source.kind === 'debootstrap') await installDebootstrap(root, workbench);
  await withStaging(root, part, async (staging) => {
    const made = join(staging, part.name);
    switch (source.kind) {
      case 'debootstrap':
        await bootstrapPart(part, source, staging, workbench);
        return checkVersion(part, 'chroot', [made, 'cat', '/etc/os-release'], workbench);
      case 'go':
        await buildGoPart(part, source, staging, workbench);
        break;
      case 'wheel':
        await unpackWheelPart(part, source, staging, workbench);
    }
    return checkVersion(part, made, source.versionArguments, workbench);
  });
}

async function installDebootstrap(root: string, workbench: Workbench): Promise<void> {
  const tool = partNamed('debootstrap');
  if (findPart(tool, process.env, homedir()) === undefined) await installPart(root, tool, workbench);
}

async function checkVersion(
  part: Part,
  program: string,
  programArguments: readonly string[],
  { partsFolder, run, report }: Workbench,
): Promise<void> {
  report('checking');
  const tool = { folder: partsFolder, environment: {}, isProgress: () => false };
  const answer = (await run(program, programArguments, tool)).join('\n');
  if (!answer.includes(part.version)) throw new Error(`it answers with another version:\n  ${answer}`);
}
