/** One term of a leader: as long as its Lease is renewed in time. */
import type { Clock } from '../support/clock.ts';
import type { Attempt } from './lease-lock.ts';

export type Term = {
  /** Aborted when the term ends: nothing may be written after that. */
  readonly signal: AbortSignal;
  /** Also checks the clock: the timers of a process that was suspended may not have fired yet. */
  readonly isHeld: () => boolean;
};

/** `stopped` from outside; `expired` when it could not be renewed in time; `taken` by another replica. */
export type TermEnd = 'stopped' | 'expired' | 'taken';

type LeaderTerm = {
  readonly term: Term;
  /** A successful renewal, which was sent at this moment of `clock.elapsed`. */
  readonly renewed: (since: number) => void;
  /** The first reason counts. */
  readonly end: (reason: TermEnd) => void;
  readonly reason: () => TermEnd | undefined;
};

/** @param renewDeadline milliseconds from the sending of the last renewal to the end */
export function leaderTerm(clock: Clock, renewDeadline: number): LeaderTerm {
  const ending = new AbortController();
  let until = 0;
  let reason: TermEnd | undefined;
  let cancel = (): void => undefined;
  const end = (why: TermEnd): void => {
    cancel();
    reason ??= why;
    ending.abort();
  };
  return {
    term: { signal: ending.signal, isHeld: () => reason === undefined && clock.elapsed() < until },
    renewed: (since) => {
      if (reason !== undefined) return;
      cancel();
      until = since + renewDeadline;
      cancel = clock.after(until - clock.elapsed(), () => end('expired'));
    },
    end,
    reason: () => reason,
  };
}

/** Renews until the term ends; resolves with the reason. */
export async function renewTerm(
  { term, renewed, end, reason }: LeaderTerm,
  attempt: () => Promise<Attempt>,
  pause: (signal: AbortSignal) => Promise<void>,
): Promise<TermEnd> {
  for (;;) {
    await pause(term.signal);
    const before = reason();
    if (before !== undefined) return before;
    const result = await attempt();
    if (result.kind === 'held') renewed(result.since);
    if (result.kind === 'taken') end('taken');
  }
}
