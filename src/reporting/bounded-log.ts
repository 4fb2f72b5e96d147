/** Log lines whose number a stranger decides. */
import type { LogLevel } from '../support/log-level.ts';
import type { Log, LogFields } from '../telemetry/logger.ts';

// Milliseconds
const PERIOD = 10_000;

/**
 * The first line of a kind is written at once, the next ten seconds later at the earliest, with the number of those between
 * as `notLogged`.
 *
 * @param now milliseconds
 */
export function boundedLog(log: Log, now: () => number) {
  const kinds = new Map<string, { readonly next: number; notLogged: number }>();
  return (level: LogLevel, message: string, kind: string, fields: LogFields): void => {
    const last = kinds.get(kind);
    if (last !== undefined && now() < last.next) {
      last.notLogged += 1;
      return;
    }
    kinds.set(kind, { next: now() + PERIOD, notLogged: 0 });
    log(level, message, { ...fields, notLogged: last?.notLogged || undefined });
  };
}
