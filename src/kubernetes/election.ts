/** Leader election among replicas, by a Lease: at most one leads at any time. */
import type { TandemError } from '../support/errors.ts';
import { sleep } from '../support/clock.ts';
import { leaderTerm, renewTerm, type Term, type TermEnd } from './leader-term.ts';
import { leaseLock, type Attempt, type LockOptions } from './lease-lock.ts';

/** Milliseconds. `retry` < `renewDeadline` < `duration`, with room between them. */
export type LeaseTimes = {
  /** Others wait this long after the last renewal that they saw. */
  readonly duration: number;
  /** The leader ends its term this long after the last renewal that it knows to have succeeded. */
  readonly renewDeadline: number;
  /** Between two attempts. */
  readonly retry: number;
};

/**
 * A handover after a crash takes at most 15 s: another replica sees the last renewal up to 1 s late, and waits 12 s from
 * then. 4 s remain between the end of one leader and the earliest start of another, for requests that were already on their way.
 */
export const LEASE_TIMES: LeaseTimes = { duration: 12_000, renewDeadline: 8000, retry: 2000 };

// After a clean stop the Lease is free, and nobody announces it: one read a second costs the API server next to nothing.
const STANDBY = 1000;
// Replicas that were started together should not stay in step.
const SPREAD = 0.2;

export type ElectionEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'ended'; readonly reason: TermEnd }
  /** Another replica has written the Lease first, as when all start together; there will be another attempt. */
  | { readonly kind: 'lost' }
  /** An attempt failed; there will be another one. */
  | { readonly kind: 'failed'; readonly error: TandemError };

type ElectionOptions = Omit<LockOptions, 'duration'> & {
  readonly times: LeaseTimes;
  /** A number from 0 up to 1. */
  readonly random: () => number;
  /**
   * The work of the leader, which lasts until the signal of the term is aborted, never before its start. It is awaited before the Lease is released
   * and before a next term. If it ends by itself, the election ends, too.
   */
  readonly lead: (term: Term) => Promise<void>;
  readonly onEvent: (event: ElectionEvent) => void;
};

export type Election = {
  readonly isLeader: () => boolean;
  /** Ends the term, waits for its work, releases the Lease, and resolves. */
  readonly stop: () => Promise<void>;
  /** Resolves at the end; rejects with what the work threw. */
  readonly done: Promise<void>;
};

type Candidate = {
  readonly attempt: () => Promise<Attempt>;
  readonly pause: (signal: AbortSignal, longest?: number) => Promise<void>;
  readonly release: () => Promise<void>;
};

/** Starts at once. Needs the rights to get, create and update its Lease. */
export function elect(options: ElectionOptions): Election {
  const { clock, times, lead, onEvent } = options;
  const { attempt, pause, release } = candidate(options);
  const stopping = new AbortController();
  let current: Term | undefined;

  const serve = async (since: number): Promise<void> => {
    // An attempt was on its way when it was stopped: work that begins with an aborted signal might wait for its event forever.
    if (stopping.signal.aborted) return release();
    const held = leaderTerm(clock, times.renewDeadline);
    held.renewed(since);
    const stop = (): void => held.end('stopped');
    stopping.signal.addEventListener('abort', stop);
    current = held.term;
    onEvent({ kind: 'started' });
    const work = settled(lead(held.term)).then((outcome) => {
      if (held.reason() === undefined) stopping.abort();
      return outcome;
    });
    const reason = await renewTerm(held, attempt, pause);
    stopping.signal.removeEventListener('abort', stop);
    onEvent({ kind: 'ended', reason });
    const outcome = await work;
    if (reason === 'stopped') await release();
    if (outcome.kind === 'thrown') throw outcome.error;
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const result = await attempt();
      if (result.kind === 'held') await serve(result.since);
      else if (result.kind === 'taken')
        await pause(stopping.signal, Math.min(result.freeAt - clock.elapsed(), STANDBY));
      else await pause(stopping.signal);
    }
  };

  const done = run();
  return {
    isLeader: () => current?.isHeld() ?? false,
    stop: () => {
      stopping.abort();
      return done;
    },
    done,
  };
}

function candidate(options: ElectionOptions): Candidate {
  const { clock, random, times, onEvent } = options;
  const lock = leaseLock({ ...options, duration: times.duration });
  // Half of the deadline: a connection that hangs leaves the time for another attempt.
  const limited = async <T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const limit = new AbortController();
    const cancel = clock.after(times.renewDeadline / 2, () => limit.abort());
    try {
      return await run(limit.signal);
    } finally {
      cancel();
    }
  };
  return {
    attempt: async () => {
      const result = await limited((signal) => lock.attempt(signal));
      if (result.kind === 'failed' || result.kind === 'lost') onEvent(result);
      return result;
    },
    pause: (signal, longest = Infinity) =>
      sleep(clock, Math.min(times.retry * (1 + SPREAD * random()), longest), signal),
    release: async () => {
      const error = await limited((signal) => lock.release(signal));
      if (error !== undefined) onEvent({ kind: 'failed', error });
    },
  };
}

type Outcome = { readonly kind: 'done' } | { readonly kind: 'thrown'; readonly error: unknown };

/** Keeps a failure until the Lease is released. */
function settled(work: Promise<void>): Promise<Outcome> {
  return work.then(
    () => ({ kind: 'done' }),
    (error: unknown) => ({ kind: 'thrown', error }),
  );
}
