/** Daemons of a cluster on this machine: ended with the keeper, whatever happens to it; each with a file of what it says. */
import { join } from 'node:path';
import { startProcess, type ProcessSpec, type RunningProcess } from '../../real/harness/processes.ts';
import type { PartName } from '../../real/part-table.ts';
import { partPath } from '../../real/parts.ts';

export type Daemon = {
  readonly name: PartName;
  readonly args: readonly string[];
  readonly ready?: NonNullable<ProcessSpec['ready']>;
};

export type StartDaemon = (daemon: Daemon) => Promise<RunningProcess>;

/** @param onEnd called when one ends, with its last lines; never after `end` */
export function daemons(
  folder: string,
  onEnd: (name: string, log: string) => void,
): { readonly start: StartDaemon; readonly end: () => Promise<void> } {
  const running: RunningProcess[] = [];
  let isEnding = false;
  return {
    start: async ({ name, args, ...more }) => {
      const started = await startProcess({
        name,
        command: partPath(name),
        args,
        folder,
        logFile: join(folder, 'log', `${name}.log`),
        ...more,
      });
      running.push(started);
      void started.exited.then(() => (isEnding ? undefined : onEnd(name, started.log())));
      return started;
    },
    end: async () => {
      isEnding = true;
      await Promise.all(running.map((each) => each.stop('SIGKILL')));
    },
  };
}
