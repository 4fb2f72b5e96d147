/** Something that is done again and again while something else happens. */
import { setTimeout as delay } from 'node:timers/promises';

/** Rejects when the action does. One that the end of the action finds at work is waited for. */
export async function meanwhile(
  again: () => Promise<void>,
  everyMilliseconds: number,
  action: () => Promise<unknown>,
): Promise<void> {
  const over = new AbortController();
  const repeating = (async () => {
    while (!over.signal.aborted) {
      await again();
      await delay(everyMilliseconds);
    }
  })();
  try {
    await action();
  } finally {
    over.abort();
    await repeating;
  }
}
