/** The processes of the machine, as proc(5) shows them. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { uptime } from 'node:os';
import type { ProcessFiles } from '../redirection/process-scan.ts';

// Many times what is looked for: arguments may be megabytes long, and anybody's.
const MOST_BYTES = 4096;

export function processFiles(): ProcessFiles {
  const buffer = Buffer.alloc(MOST_BYTES);
  return {
    pids: () => readdirSync('/proc').flatMap((name) => (/^[0-9]+$/.test(name) ? [Number(name)] : [])),
    read: (pid, file) => {
      try {
        const descriptor = openSync(`/proc/${pid}/${file}`, 'r');
        try {
          return buffer.toString('utf8', 0, readSync(descriptor, buffer));
        } finally {
          closeSync(descriptor);
        }
      } catch {
        return undefined;
      }
    },
    uptime,
  };
}
