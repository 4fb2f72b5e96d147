/** Reports pods that wait for their node too long: the redirector that would report it is what is missing. */
import type { Clock } from '../support/clock.ts';

type Waiting = {
  readonly uid: string;
  /** As of `PendingPod`; undefined for one that does not wait. */
  readonly waitsSince?: number | undefined;
};

// With a redirector it takes a tenth of a second; on a new node, its image may have to be pulled first.
const LATE = 30_000;
const AGAIN = 300_000;

export type LatePods<P extends Waiting> = {
  readonly podChanged: (before: P | undefined, after: P | undefined) => void;
  /** For how many seconds the first of those that wait has waited; 0 when none does. */
  readonly longest: () => number;
  readonly stop: () => void;
};

/** @param tell called after 30 s, and then every 5 minutes */
export function createLatePods<P extends Waiting>(
  clock: Pick<Clock, 'now' | 'after'>,
  tell: (pod: P) => void,
): LatePods<P> {
  const timers = new Map<string, () => void>();
  const since = new Map<string, number>();
  const tellIn = (milliseconds: number, pod: P): void => {
    const told = (): void => {
      tell(pod);
      tellIn(AGAIN, pod);
    };
    timers.set(pod.uid, clock.after(milliseconds, told));
  };
  const cancel = ({ uid }: P): void => {
    timers.get(uid)?.();
    timers.delete(uid);
    since.delete(uid);
  };
  return {
    podChanged: (before, after) => {
      if (before?.uid === after?.uid && before?.waitsSince === after?.waitsSince) return;
      if (before !== undefined) cancel(before);
      if (after?.waitsSince === undefined) return;
      since.set(after.uid, after.waitsSince);
      tellIn(Math.max(0, after.waitsSince + LATE - clock.now()), after);
    },
    longest: () => {
      const now = clock.now();
      return (now - [...since.values()].reduce((first, each) => Math.min(first, each), now)) / 1000;
    },
    stop: () => {
      for (const end of timers.values()) end();
      timers.clear();
    },
  };
}
