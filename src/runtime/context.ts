/** What a command may touch of the process, and the codes that it ends with. */
import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../config/parse-flags.ts';

/** Exit codes of every command (65 and 69 as in sysexits.h: EX_DATAERR, EX_UNAVAILABLE). */
export const exit = {
  done: 0,
  internal: 1,
  usage: 2,
  changes: 3,
  unreadable: 65,
  denied: 69,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** stdout is data, stderr is for people. */
export type Context = {
  readonly nodeVersion: string;
  readonly environment: Environment;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborts at SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
};
