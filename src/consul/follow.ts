/** Follows a read of Consul as long as it is needed: blocking queries, started again after each failure. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './answer.ts';
import type { ReadOptions } from './read.ts';
import { untilStopped, type UntilStopped } from './until-stopped.ts';
import { watch, type WatchOptions } from './watch.ts';

type FollowOptions<T> = UntilStopped &
  Pick<WatchOptions, 'from' | 'pause'> & {
    /** If it rejects, that counts as a failure, and it gets the same again. */
    readonly onAnswer: (answer: Answer<T>) => void | Promise<void>;
  };

type Read<T> = (options: ReadOptions) => Promise<Answer<T>>;

/** Never rejects. After a failure nothing is known, so the first answer is a full one and shows what was missed. */
export async function follow<T>(
  read: Read<T>,
  { from = 0, pause, onAnswer, ...until }: FollowOptions<T>,
): Promise<void> {
  const { signal } = until;
  let next = from;
  await untilStopped(until, async (succeeded) => {
    const known = next;
    next = 0;
    for await (const answer of watch(read, { signal, from: known, ...(pause && { pause }) })) {
      await onAnswer(answer);
      succeeded();
    }
  });
}

// Drift is repaired within 2 s, even if the query has just failed.
const LONGEST_PAUSE = 1000;
// Each of our own writes is an answer, too, with nothing new: two a second instead of ten take a third less CPU for a change.
const BETWEEN_ANSWERS = 500;

/**
 * Calls back with the new index whenever something may have changed.
 *
 * @param from an index that is known already; 0 is none
 */
export function followIndex(
  read: Read<unknown>,
  onChange: (index: number) => void,
  { signal, random, from = 0 }: Pick<FollowOptions<unknown>, 'signal' | 'random' | 'from'>,
): Promise<void> {
  // The listener's own reads and writes meet the same trouble, and report it.
  const onFailure = (): void => undefined;
  const onAnswer = ({ index }: Answer<unknown>): void => onChange(index);
  const pause = (until: AbortSignal): Promise<void> => delay(BETWEEN_ANSWERS, undefined, { signal: until });
  return follow(read, { signal, random, from, longestPause: LONGEST_PAUSE, pause, onFailure, onAnswer });
}
