/** Follows what Consul has for as long as somebody wants it: blocking queries, begun again after each failure. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './answer.ts';
import type { ReadOptions } from './read.ts';
import { untilStopped, type UntilStopped } from './until-stopped.ts';
import { watch, type WatchOptions } from './watch.ts';

type FollowOptions<T> = UntilStopped &
  Pick<WatchOptions, 'from' | 'pause'> & {
    /** When it rejects, that is a failure, and what it got comes again. */
    readonly onAnswer: (answer: Answer<T>) => void | Promise<void>;
  };

type Read<T> = (options: ReadOptions) => Promise<Answer<T>>;

/** Never rejects. After a failure nothing is known, so that the first answer is a full one and tells what was missed. */
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

// Drift is repaired within 2 s, also when the query has just failed.
const LONGEST_PAUSE = 1000;
// Each write of our own is an answer, too, which says nothing new: two a second instead of ten are a third less CPU for a change.
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
  // The reads and writes of who listens meet the same trouble, and report it.
  const onFailure = (): void => undefined;
  const onAnswer = ({ index }: Answer<unknown>): void => onChange(index);
  const pause = (until: AbortSignal): Promise<void> => delay(BETWEEN_ANSWERS, undefined, { signal: until });
  return follow(read, { signal, random, from, longestPause: LONGEST_PAUSE, pause, onFailure, onAnswer });
}
