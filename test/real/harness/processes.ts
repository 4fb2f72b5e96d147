/** Processes of real parts: started when they answer, ended by their id whatever happens to the test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { childEnvironment } from './child-environment.ts';

export type ProcessSpec = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What it has beside `childEnvironment`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** Gets all that it writes, from its start on; `log` keeps the end alone. */
  readonly logFile?: string;
  /** The network namespace in which it runs, as a file; that of this process by default. */
  readonly network?: string | undefined;
  /** Its user and capabilities, as arguments of setpriv (util-linux); those of this process by default. */
  readonly privileges?: readonly string[];
  /** Whether the process serves. Called again and again, with what it wrote so far, until it does, or the process ends. */
  readonly ready?: (log: string) => Promise<boolean>;
};

// The tie to this process ends with the change of the user.
function asUser(privileges: readonly string[] | undefined): readonly string[] {
  return privileges === undefined ? [] : [SETPRIV, '--pdeathsig', 'KILL', ...privileges];
}

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type RunningProcess = {
  readonly name: string;
  readonly pid: number;
  /** What it wrote so far, to both streams, from this position on. */
  readonly log: (from?: number) => string;
  /** How many characters it wrote so far. */
  readonly position: () => number;
  readonly exited: Promise<Exit>;
  /** Resolves, at once, when it has written this text from this position on. */
  readonly says: (text: string, from: number) => Promise<void>;
  /** Sends the signal, SIGTERM unless told, and waits for the end. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Exit>;
  /** Resolves when nothing of it runs any more; a thread may finish what it is at before it stops. */
  readonly hang: () => Promise<void>;
  readonly goOn: () => void;
};

// setpriv (util-linux) asks the kernel to end the child when this process is gone, even by SIGKILL.
const SETPRIV = '/usr/bin/setpriv';
const LOG_CHARACTERS = 200_000;
const START_MILLISECONDS = 90_000;
const POLL_MILLISECONDS = 50;

const running = new Set<ChildProcess>();
process.on('exit', killAll);

/** SIGKILL to whatever this process started and has not ended. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Throws, with the end of what the process wrote, when it ends before it serves, or does not serve in 90 s. */
export async function startProcess(spec: ProcessSpec): Promise<RunningProcess> {
  const { name, ready } = spec;
  const started = spawnSpec(spec);
  if (ready === undefined) return started;
  let ended: Exit | undefined;
  void started.exited.then((exit) => (ended = exit));
  const deadline = Date.now() + START_MILLISECONDS;
  while (!(await ready(started.log()).catch(() => false))) {
    if (ended !== undefined)
      throw new Error(`${name} ended with ${ended.code ?? ended.signal}:\n${lastLines(started.log())}`);
    if (Date.now() > deadline) {
      await started.stop('SIGKILL');
      throw new Error(`${name} does not serve after 90 s:\n${lastLines(started.log())}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  return started;
}

function spawnSpec(spec: ProcessSpec): RunningProcess {
  const { name, command, args, environment = {}, folder, logFile, network, privileges } = spec;
  const line = [...inNetwork(network), ...asUser(privileges), command, ...args];
  const tied: readonly [string, readonly string[]] = existsSync(SETPRIV)
    ? [SETPRIV, ['--pdeathsig', 'KILL', ...line]]
    : [line[0] ?? '', line.slice(1)];
  const child = spawn(tied[0], tied[1], {
    env: childEnvironment(environment),
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let log = '';
  let written = 0;
  const looking = new Set<() => void>();
  const logFrom = (from: number): string => log.slice(Math.max(0, log.length - (written - from)));
  const keep = (chunk: string): void => {
    log = (log + chunk).slice(-LOG_CHARACTERS);
    written += chunk.length;
    if (logFile !== undefined) appendFileSync(logFile, chunk);
    for (const look of looking) look();
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  child.on('error', (error) => keep(`${error.message}\n`));
  const exited = (once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>)
    .catch((): [number | null, NodeJS.Signals | null] => [null, null])
    .then(([code, signal]): Exit => {
      running.delete(child);
      return { code, signal };
    });
  return {
    name,
    pid: child.pid ?? 0,
    log: (from = 0) => logFrom(from),
    position: () => written,
    exited,
    says: (text, from) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!logFrom(from).includes(text)) return;
          looking.delete(look);
          resolve();
        };
        looking.add(look);
        look();
      }),
    hang: async () => {
      child.kill('SIGSTOP');
      while (!isStopped(child.pid ?? 0)) await new Promise((resolve) => setTimeout(resolve, 1));
    },
    goOn: () => void child.kill('SIGCONT'),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

/** What stands in front of a command that runs in this network namespace. */
export function inNetwork(network: string | undefined): readonly string[] {
  return network === undefined ? [] : ['nsenter', `--net=${network}`];
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the state comes after the name, which is in parentheses. */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((task) => /\) T /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8')));
}

/** The end of a log, for an error message. */
export function lastLines(log: string, count = 30): string {
  return log.trimEnd().split('\n').slice(-count).join('\n');
}
