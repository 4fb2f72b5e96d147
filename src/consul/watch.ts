/** Blocking queries, one after the other: a value at the start, and one whenever it may have changed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './answer.ts';
import type { ReadOptions } from './read.ts';

export type WatchOptions = {
  readonly signal: AbortSignal;
  /** Seconds that the server holds a query in which nothing changes; Consul takes at most 600. */
  readonly waitSeconds?: number;
  /** An index that is known already: the first answer is that of a change after it. */
  readonly from?: number;
  /** Between two queries, so that a busy catalog does not keep the server and us busy with answers. */
  readonly pause?: (signal: AbortSignal) => Promise<void>;
};

// Consul's own default (Consul, "Blocking Queries").
const WAIT_SECONDS = 300;
// Ten answers a second are more than any consumer here acts on, and a change is seen within 100 ms.
const PAUSE_MILLISECONDS = 100;

/**
 * Yields the first answer, and every later one whose index is another: that is not yet a change of the value. An index of
 * 0, or one that goes backwards (a server was restored from a snapshot), starts over without waiting (Consul, "Blocking
 * Queries", "Implementation Details").
 *
 * A failed read ends it with that error; whoever calls backs off and starts a new one, which begins with a full answer.
 * It ends without an error when the signal aborts.
 *
 * @param read one read, such as `(options) => readNodeServices(client, node, options)`
 */
export async function* watch<T>(
  read: (options: ReadOptions) => Promise<Answer<T>>,
  { signal, from = 0, waitSeconds = WAIT_SECONDS, pause = standardPause }: WatchOptions,
): AsyncGenerator<Answer<T>, void, void> {
  let index = from;
  try {
    while (!signal.aborted) {
      const answer = await read({ signal, after: index === 0 ? undefined : { index, waitSeconds } });
      const isBackwards = answer.index < index;
      const isFirst = index === 0;
      // After a step backwards the next read asks without an index, and is yielded because it is a first one.
      if (!isBackwards && (isFirst || answer.index !== index)) yield answer;
      index = isBackwards ? 0 : answer.index;
      await pause(signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function standardPause(signal: AbortSignal): Promise<void> {
  await delay(PAUSE_MILLISECONDS, undefined, { signal });
}
