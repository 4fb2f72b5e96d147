/** JSON logs, one line each: constant messages with fields. The only importer of pino, beside metrics of prom-client. */
import { pino } from 'pino';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFields = { readonly [field: string]: string | number | boolean | undefined };
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** Fields are plain values by type: an object with a secret somewhere inside cannot be logged. */
export function createLog(destination: { write: (line: string) => unknown }, level: LogLevel): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void destination.write(line) },
  );
  return (at, message, fields = {}) => logger[at](fields, message);
}
