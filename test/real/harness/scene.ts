/** What a file of real tests stands on: its parts, a folder, and processes that are ended with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach } from 'node:test';
import type { PartName } from '../part-table.ts';
import { ensureParts } from '../parts.ts';
import { lastLines, startProcess, type ProcessSpec, type RunningProcess } from './processes.ts';

export type Scene = {
  /** Temporary; removed at the end. */
  readonly folder: string;
  readonly start: (spec: ProcessSpec) => Promise<RunningProcess>;
  /** Called at the end, the last one first. */
  readonly atEnd: (end: () => unknown) => void;
};

/**
 * Call it once at the top of a test file. Throws when a part is missing, with the command that brings it. The logs of the
 * processes are printed when a test of the file fails, and only then.
 */
export async function startScene(parts: readonly PartName[]): Promise<Scene> {
  await ensureParts(parts);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-real-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const processes: RunningProcess[] = [];
  const ends: (() => unknown)[] = [];
  let positions = new Map<RunningProcess, number>();
  beforeEach(() => {
    positions = new Map(processes.map((each) => [each, each.position()]));
  });
  afterEach((context) => {
    if ('passed' in context && context.passed) return;
    for (const each of processes) {
      const log = lastLines(each.log(positions.get(each)));
      if (log !== '') process.stderr.write(`--- ${each.name} wrote during the test:\n${log}\n`);
    }
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
    await Promise.all(processes.map((each) => each.stop('SIGKILL')));
  });
  return {
    folder,
    start: async (spec) => {
      const started = await startProcess(spec);
      processes.push(started);
      return started;
    },
    atEnd: (end) => ends.push(end),
  };
}
