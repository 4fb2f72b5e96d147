/** The log line of a watch that is restarted. */
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import type { Log } from '../telemetry/logger.ts';

/** A warning only when there was an error. @param kind of the objects, where a process watches several */
export function logRestart(log: Log, { cause, error }: WatchFailure, kind?: string): void {
  const details = { ...(kind === undefined ? {} : { kind }), cause, error: error?.message };
  log(error === undefined ? 'debug' : 'warn', 'a watch is restarted', details);
}
