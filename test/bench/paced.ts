/** Work that begins at its time, whether what began earlier has ended or not. */
import { setTimeout as wait } from 'node:timers/promises';

/** Resolves, when all of it has ended, with how often it began. @param rate a second. @param seconds in which it begins */
export async function paced(
  rate: number,
  seconds: number,
  work: (index: number) => Promise<unknown>,
): Promise<number> {
  const begin = performance.now();
  const pending: Promise<unknown>[] = [];
  while (performance.now() < begin + seconds * 1000) {
    const due = ((performance.now() - begin) / 1000) * rate;
    while (pending.length < due) pending.push(work(pending.length));
    await wait(5);
  }
  await Promise.all(pending);
  return pending.length;
}
