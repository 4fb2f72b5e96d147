/** Finds the processes of pods that wait for their redirection. */
import { parseWholeNumber } from '../support/text.ts';

/** proc(5). Undefined when the process is gone, and for what cannot be read. */
export type ProcessFiles = {
  readonly pids: () => readonly number[];
  readonly read: (pid: number, file: 'stat' | 'cgroup' | 'cmdline') => string | undefined;
  /** Seconds since the start of the machine. */
  readonly uptime: () => number;
};

/** Process ids are reused, so a process is its id and its start, in seconds since that of the machine. */
export type WaitingProcess = { readonly pid: number; readonly start: number; readonly podUid: string };

export type ProcessScan = (podUids: ReadonlySet<string>) => readonly WaitingProcess[];

// USER_HZ, in which the kernel tells times on every architecture that Node runs on.
const TICKS = 100;
// A process is seen before it is in the cgroup of its pod, and before it has its arguments.
const YOUNG = 3;
// A slow runtime takes longer between the creation of a container and its start; and its id may be another process by then.
const LOOK_AGAIN = 1;

/** What was read of a process, and when to read it again; `waiting` is undefined for one that waits for nothing. */
type Known = { readonly again: number; readonly waiting: WaitingProcess | undefined };

/** Reads every young process each time, the others once a second, including those that wait: there may be any number of them. */
export function createProcessScan(files: ProcessFiles): ProcessScan {
  let known = new Map<number, Known>();
  return (podUids) => {
    const now = files.uptime();
    const kept = new Map<number, Known>();
    for (const pid of files.pids()) {
      const before = known.get(pid);
      const each =
        before !== undefined && before.again > now ? before : readProcess(files, pid, podUids, now);
      if (each !== undefined) kept.set(pid, each);
    }
    known = kept;
    return [...kept.values()].flatMap(({ waiting }) =>
      waiting !== undefined && podUids.has(waiting.podUid) ? waiting : [],
    );
  };
}

function readProcess(
  files: ProcessFiles,
  pid: number,
  podUids: ReadonlySet<string>,
  now: number,
): Known | undefined {
  const start = processStart(files, pid);
  if (start === undefined) return undefined;
  const podUid = waitsFor(files, pid, podUids);
  if (podUid === undefined && now - start <= YOUNG) return undefined;
  return { again: now + LOOK_AGAIN, waiting: podUid === undefined ? undefined : { pid, start, podUid } };
}

/** In seconds since the start of the machine; undefined when the process is gone. */
export function processStart({ read }: Pick<ProcessFiles, 'read'>, pid: number): number | undefined {
  const stat = read(pid, 'stat');
  // The name is in parentheses and may hold any; the start is field 22, the 20th after it.
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
