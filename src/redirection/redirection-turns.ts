/** Whose rules are written next: strangers decide how many processes wait, and their names. */
import type { Clock } from '../support/clock.ts';
import type { PendingPod } from './pending-pod.ts';

// Each is a process of some milliseconds, and of 10 MB with the longest lists. A namespace leaves half of them to the others.
const MOST_AT_ONCE = { node: 8, namespace: 4 };
/** As with a pod of which something was refused, but within the patience of who looks at it. */
const BACKOFF = { first: 1000, longest: 60_000 };

type Turn = { readonly count: number; /** Milliseconds, as `elapsed` has them. */ readonly next: number };

type RedirectionTurns = {
  /** One at a time for a pod, and after each a longer pause, whatever the result: the node pays for what a pod asks. */
  readonly mayBegin: (pod: PendingPod) => boolean;
  readonly begin: (pod: PendingPod) => void;
  readonly end: (pod: PendingPod) => void;
  /** How many turns a pod has had. */
  readonly count: (uid: string) => number;
  /** Pods that nobody asks for are forgotten long after their pause: a pod that comes and goes does not start anew. */
  readonly forget: (isWanted: (uid: string) => boolean) => void;
};

export function createRedirectionTurns({ elapsed }: Pick<Clock, 'elapsed'>): RedirectionTurns {
  const turns = new Map<string, Turn>();
  /** UID → namespace. */
  const running = new Map<string, string>();
  const count = (uid: string): number => turns.get(uid)?.count ?? 0;
  return {
    mayBegin: ({ namespace, uid }) =>
      running.size < MOST_AT_ONCE.node &&
      !running.has(uid) &&
      (turns.get(uid)?.next ?? 0) <= elapsed() &&
      [...running.values()].filter((each) => each === namespace).length < MOST_AT_ONCE.namespace,
    begin: ({ namespace, uid }) => void running.set(uid, namespace),
    end: ({ uid }) => {
      running.delete(uid);
      const pause = Math.min(BACKOFF.first * 2 ** count(uid), BACKOFF.longest);
      turns.set(uid, { count: count(uid) + 1, next: elapsed() + pause });
    },
    count,
    forget: (isWanted) => {
      for (const [uid, { next }] of turns)
        if (next + BACKOFF.longest < elapsed() && !isWanted(uid)) turns.delete(uid);
    },
  };
}
