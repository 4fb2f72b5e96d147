import { existsSync, readFileSync } from 'node:fs';

/**
 * When a process was started: with its id, this tells it from a later one of the same id. Undefined when it has ended, also when
 * it is not reaped yet, which the first process of a machine may take seconds for.
 *
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the state is the first field after the name, the start the 20th.
 */
export function born(pid: number): string | undefined {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  const fields = readFileSync(path, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}
