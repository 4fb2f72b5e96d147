/** JSON logs, one line each: constant messages with fields. The only importer of pino, beside metrics of prom-client. */
import { pino } from 'pino';
import type { LogLevel } from '../support/log-level.ts';
import { escapeJson } from '../support/text.ts';

export type LogFields = { readonly [field: string]: string | number | boolean | undefined };
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

type Destination = {
  readonly write: (text: string, done: (error?: Error | null) => void) => unknown;
  /** Characters or bytes that were written and are not yet taken. */
  readonly writableLength?: number;
};

// The room for a reader that pauses for a moment; a log that nobody reads must not fill the process.
const MOST_PENDING = 1024 * 1024;

// Characters of the line that says so.
const NOTICE = 200;

let dropped = 0;

/** Lines that this process could not write, because nobody reads them. */
export function droppedLogLines(): number {
  return dropped;
}

/**
 * Fields are plain values by type: an object with a secret somewhere inside cannot be logged. A full or closed destination
 * loses lines, and nothing else: they are counted, and the next line that gets through says how many.
 */
export function createLog(destination: Destination, level: LogLevel): Log {
  const { write, hasRoom } = batched(destination);
  const logger = pino(
    {
      level,
      base: null,
      timestamp: timestamps(),
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  let told = dropped;
  return (at, message, fields = {}) => {
    if (dropped > told && hasRoom(NOTICE)) {
      logger.warn({ lines: dropped - told }, 'log lines dropped');
      told = dropped;
    }
    logger[at](fields, message);
  };
}

/** A batch of admissions is logged within a millisecond: formatting its time once makes a line a quarter cheaper. */
function timestamps(): () => string {
  let [last, text] = [NaN, ''];
  return () => {
    const now = Date.now();
    if (now !== last) [last, text] = [now, `,"time":"${new Date(now).toISOString()}"`];
    return text;
  };
}

/** The lines of one turn of the event loop in one write: under load a write for each costs more than the line. */
function batched(destination: Destination) {
  let pending = '';
  let count = 0;
  const flush = (): void => {
    const [lines, written] = [pending, count];
    [pending, count] = ['', 0];
    destination.write(escapeJson(lines), (error) => {
      if (error !== undefined && error !== null) dropped += written;
    });
  };
  const hasRoom = (length: number): boolean =>
    pending.length + (destination.writableLength ?? 0) + length <= MOST_PENDING;
  const write = (line: string): void => {
    if (!hasRoom(line.length)) {
      dropped += 1;
      return;
    }
    if (count === 0) setImmediate(flush);
    pending += line;
    count += 1;
  };
  return { write, hasRoom };
}
