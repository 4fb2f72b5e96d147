/** The instances of many services over a few connections: blocking queries that take turns when there are too many. */
import { setTimeout as delay } from 'node:timers/promises';
import { backoff } from '../support/backoff.ts';
import { isAboutOneRequest } from '../support/errors.ts';
import type { Answer } from './answer.ts';
import { createQueryTurns, type QueryTurns } from './query-turns.ts';
import type { ReadOptions } from './read.ts';

/** Those that are followed are kept current. */
export type HealthPool<T> = Pick<QueryTurns, 'follow' | 'suspect' | 'stop'> & {
  /** Undefined until the first answer about the service. */
  readonly get: (service: string) => T | undefined;
  /** Queries at one time. If there are more services, a change is seen at the service's turn, or by a refresh. */
  readonly slots: number;
  /** Reads the given services again, by default all that are followed; rejects with the first failure. */
  readonly refresh: (
    signal: AbortSignal,
    isWanted?: (service: string, known: T | undefined) => boolean,
  ) => Promise<void>;
};

type HealthPoolOptions<T> = {
  /** Throws when the answer is incomplete. */
  readonly read: (service: string, options: ReadOptions) => Promise<Answer<T>>;
  readonly onChange: () => void;
  /** The first failure after a success, and every failure of a service that was never read. */
  readonly onFailure: (error: unknown, retryMilliseconds: number) => void;
  readonly random: () => number;
};

// With 16 connections for all that does not wait, 2 for probes, and one each for the list of services, the checks that do
// not pass, the two watches of the other direction and the two of the registrar, these are 60; a server of Consul takes 200 of
// one address (limits.http_max_conns_per_client).
const SLOTS = 36;
// Between two queries about one service, so that a busy one is read ten times a second at most.
const PAUSE_MILLISECONDS = 100;
// Back in step within 5 s of the end of an outage.
const LONGEST_PAUSE = 4000;

type Known<T> = { readonly index: number; readonly value: T };

/** Up to as many services as there are slots, each has a query of its own, and a change is seen at once. */
export function createHealthPool<T>(options: HealthPoolOptions<T>): HealthPool<T> {
  const { read, onChange, onFailure } = options;
  const known = new Map<string, Known<T>>();
  const turns = createQueryTurns({ slots: SLOTS, isUrgent: (service) => !known.has(service), ask });
  const delays = backoff(options.random, LONGEST_PAUSE);
  let isFailing = false;

  function keep(service: string, answer: Answer<T>): void {
    if (!turns.followed().has(service)) return;
    const before = known.get(service);
    known.set(service, { index: answer.index, value: answer.value });
    if (before?.index !== answer.index) onChange();
  }

  function keepOfTurn(service: string, answer: Answer<T>, asked: number): void {
    // An index that goes backwards starts over (Consul, "Blocking Queries", "Implementation Details").
    if (answer.index < asked) return keep(service, { ...answer, index: 0 });
    // A refresh has overtaken this answer.
    if (answer.index < (known.get(service)?.index ?? 0)) return undefined;
    return keep(service, answer);
  }

  async function ask(service: string, signal: AbortSignal): Promise<void> {
    const index = known.get(service)?.index ?? 0;
    const after = index === 0 ? undefined : { index, waitSeconds: turns.waitSeconds() };
    try {
      const answer = await read(service, { signal, after });
      delays.reset();
      isFailing = false;
      keepOfTurn(service, answer, index);
      turns.hadTurn(service);
      if (!turns.isCrowded()) await delay(PAUSE_MILLISECONDS, undefined, { signal });
    } catch (error) {
      if (signal.aborted) return;
      const pause = delays.next();
      if (!isFailing) onFailure(error, pause);
      isFailing = true;
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Nothing more is known of a service that cannot be read, so nothing of it is removed; the others are read. */
  async function reread(service: string, signal: AbortSignal): Promise<void> {
    try {
      keep(service, await read(service, { signal, consistency: 'consistent' }));
    } catch (error) {
      if (!isAboutOneRequest(error)) throw error;
      known.delete(service);
    }
  }

  return {
    follow: (services) => {
      turns.follow(services);
      for (const service of known.keys()) if (!turns.followed().has(service)) known.delete(service);
    },
    get: (service) => known.get(service)?.value,
    slots: SLOTS,
    suspect: turns.suspect,
    refresh: async (signal, isWanted = () => true) => {
      const left = [...turns.followed()].values();
      const work = async (): Promise<void> => {
        // Checked late: the service may have had its turn meanwhile.
        for (const service of left)
          if (isWanted(service, known.get(service)?.value)) await reread(service, signal);
      };
      // These do not wait for a change, and share the connections of other calls.
      await Promise.all(Array.from({ length: REFRESHES }, work));
    },
    stop: turns.stop,
  };
}

// Half of the connections for calls that do not wait (transport).
const REFRESHES = 8;
