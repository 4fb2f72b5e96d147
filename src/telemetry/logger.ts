/** JSON logs, one line each: constant messages with fields. The only importer of pino, beside metrics of prom-client. */
import { pino } from 'pino';
import { escapeJson } from '../support/text.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFields = { readonly [field: string]: string | number | boolean | undefined };
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

type Destination = { readonly write: (text: string) => unknown };

/** Fields are plain values by type: an object with a secret somewhere inside cannot be logged. */
export function createLog(destination: Destination, level: LogLevel): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: batched(destination) },
  );
  return (at, message, fields = {}) => logger[at](fields, message);
}

/** The lines of one turn of the event loop in one write: under load a write for each costs more than the line. */
function batched(destination: Destination): (line: string) => void {
  let pending = '';
  return (line) => {
    if (pending === '') {
      setImmediate(() => {
        const lines = pending;
        pending = '';
        destination.write(escapeJson(lines));
      });
    }
    pending += line;
  };
}
