/** What a process has used so far, as Linux tells it. */
import { readFile } from 'node:fs/promises';

/** Megabytes in memory now. */
export function residentMegabytes(pid: number | undefined): Promise<number> {
  return megabytes(pid, 'VmRSS');
}

/** The most megabytes that it ever had in memory. */
export function peakMegabytes(pid: number | undefined): Promise<number> {
  return megabytes(pid, 'VmHWM');
}

/** Seconds of CPU, of all its threads. */
export async function cpuSeconds(pid: number | undefined): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  // Linux counts in ticks of a hundredth of a second (USER_HZ).
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function megabytes(pid: number | undefined, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1000;
}
