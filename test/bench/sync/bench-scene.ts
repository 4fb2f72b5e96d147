/** The real parts of a benchmark: the same harness as that of the tests, without a test runner around it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PartName } from '../../real/part-table.ts';
import { ensureParts } from '../../real/parts.ts';
import { startProcess, type RunningProcess } from '../../real/harness/processes.ts';
import type { Scene } from '../../real/harness/scene.ts';

// What was killed a moment ago may still write.
const REMOVAL = { recursive: true, force: true, maxRetries: 25, retryDelay: 100 };

/** Ends what `run` has started, also when it throws. @throws Error when a part is missing, with the command that brings it */
export async function withScene(
  parts: readonly PartName[],
  run: (scene: Scene) => Promise<void>,
): Promise<void> {
  await ensureParts(parts);
  const folder = await mkdtemp(join(tmpdir(), 'tandem-bench-'));
  const processes: RunningProcess[] = [];
  const ends: (() => unknown)[] = [];
  let isEnding = false;
  const start: Scene['start'] = async (spec) => {
    const started = await startProcess(spec);
    processes.push(started);
    return started;
  };
  try {
    await run({ folder, start, atEnd: (end) => ends.push(end), isEnding: () => isEnding });
  } finally {
    isEnding = true;
    for (const end of ends.toReversed()) await end();
    await Promise.all(processes.map((each) => each.stop('SIGKILL')));
    await rm(folder, REMOVAL);
  }
}
