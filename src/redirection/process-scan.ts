/** Finds the processes of pods that wait for their redirection. */
import { parseWholeNumber } from '../support/text.ts';

/** proc(5). Undefined when the process is gone, and for what cannot be read. */
export type ProcessFiles = {
  readonly pids: () => readonly number[];
  readonly read: (pid: number, file: 'stat' | 'cgroup' | 'cmdline') => string | undefined;
  /** Seconds since the start of the machine. */
  readonly uptime: () => number;
};

/** A number is given again, so a process is its number and its start, in seconds since that of the machine. */
export type WaitingProcess = { readonly pid: number; readonly start: number; readonly podUid: string };

export type ProcessScan = (podUids: ReadonlySet<string>) => readonly WaitingProcess[];

// USER_HZ, in which the kernel tells times on every architecture that Node runs on.
const TICKS = 100;
// A process is seen before it is in the cgroup of its pod, and before it has its arguments.
const YOUNG = 3;
// A slow runtime keeps a container between its creation and its start for longer; and its number may be another process by then.
const LOOK_AGAIN = 1;

/** Reads every young process each time, and the others once a second. */
export function createProcessScan(files: ProcessFiles): ProcessScan {
  /** Those that wait for nothing → when to read them again. */
  let others = new Map<number, number>();
  return (podUids) => {
    const now = files.uptime();
    const found: WaitingProcess[] = [];
    const kept = new Map<number, number>();
    for (const pid of files.pids()) {
      const again = others.get(pid);
      if (again !== undefined && again > now) {
        kept.set(pid, again);
        continue;
      }
      const start = processStart(files, pid);
      if (start === undefined) continue;
      const podUid = waitsFor(files, pid, podUids);
      if (podUid !== undefined) found.push({ pid, start, podUid });
      else if (now - start > YOUNG) kept.set(pid, now + LOOK_AGAIN);
    }
    others = kept;
    return found;
  };
}

/** In seconds since the start of the machine; undefined when the process is gone. */
export function processStart({ read }: Pick<ProcessFiles, 'read'>, pid: number): number | undefined {
  const stat = read(pid, 'stat');
  // The name stands in parentheses and may hold any; the start is field 22, the 20th behind it.
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const parsed = ticks === undefined ? undefined : parseWholeNumber(ticks);
  return parsed === undefined ? undefined : parsed / TICKS;
}

function waitsFor({ read }: ProcessFiles, pid: number, podUids: ReadonlySet<string>): string | undefined {
  const podUid = podOfCgroup(read(pid, 'cgroup') ?? '');
  if (podUid === undefined || !podUids.has(podUid)) return undefined;
  return (read(pid, 'cmdline') ?? '').split('\0').includes('redirect-wait') ? podUid : undefined;
}

// `/kubepods/besteffort/pod<uid>/…` (cgroupfs), `…/kubepods-besteffort-pod<uid>.slice/…` (systemd, with `_` for `-`).
const POD = /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?![0-9a-f])/g;

/** The UID as the API has it; the innermost one, for a node may itself be a container of a pod. */
function podOfCgroup(cgroup: string): string | undefined {
  return [...cgroup.matchAll(POD)].at(-1)?.[1]?.replaceAll('_', '-');
}
