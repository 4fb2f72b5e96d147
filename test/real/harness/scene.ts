/** What a file of real tests stands on: its parts, a folder, and processes that are ended with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach } from 'node:test';
import type { PartName } from '../part-table.ts';
import { ensureParts } from '../parts.ts';
import { killAll, lastLines, startProcess, type ProcessSpec, type RunningProcess } from './processes.ts';

export type Scene = {
  /** Temporary; removed at the end. */
  readonly folder: string;
  readonly start: (spec: ProcessSpec) => Promise<RunningProcess>;
  /** Called at the end, the last one first. */
  readonly atEnd: (end: () => unknown) => void;
  /** From the end on nothing may be started any more: nobody would end it. */
  readonly isEnding: () => boolean;
};

// What was killed a moment ago may still write: half a minute of tries, of which the first nearly always does.
const REMOVAL = { recursive: true, force: true, maxRetries: 25, retryDelay: 100 };

/**
 * Call it once at the top of a test file. Throws when a part is missing, with the command that brings it. The logs of the
 * processes are printed when a test of the file fails, or the file before its first test, and only then.
 */
export async function startScene(parts: readonly PartName[]): Promise<Scene> {
  await ensureParts(parts);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-real-'));
  process.on('exit', () => rmSync(folder, REMOVAL));
  const processes: RunningProcess[] = [];
  const ends: (() => unknown)[] = [];
  let isLoading = true;
  let isEnding = false;
  let positions = new Map<RunningProcess, number>();
  const printLogs = (): void => {
    for (const each of processes) {
      const log = lastLines(each.log(positions.get(each)));
      if (log !== '') process.stderr.write(`--- ${each.name} wrote:\n${log}\n`);
    }
  };
  beforeEach(() => {
    isLoading = false;
    positions = new Map(processes.map((each) => [each, each.position()]));
  });
  afterEach((context) => {
    if (!('passed' in context) || !context.passed) printLogs();
  });
  // A file that throws before its first test ends without its hooks, and even without the event `exit`.
  process.on('uncaughtExceptionMonitor', () => {
    if (!isLoading) return;
    printLogs();
    killAll();
    rmSync(folder, REMOVAL);
  });
  after(async () => {
    isEnding = true;
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
    isEnding: () => isEnding,
  };
}
