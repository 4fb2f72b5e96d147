/** The instances of many services over a few connections: blocking queries that take turns when they are too many. */
import { setTimeout as delay } from 'node:timers/promises';
import { backoff } from '../support/backoff.ts';
import { isAboutOneRequest } from '../support/errors.ts';
import type { Answer } from './answer.ts';
import type { ReadOptions } from './read.ts';

export type HealthPool<T> = {
  /** From now on these are kept current, and no others. */
  readonly follow: (services: readonly string[]) => void;
  /** Undefined until the first answer about the service. */
  readonly get: (service: string) => T | undefined;
  /** Queries at one time. Of more services, a change is seen when the turn of the service comes, or by a refresh. */
  readonly slots: number;
  /** Something about instances has changed and may be about any of them: each gets a turn soon. */
  readonly suspect: () => void;
  /** Reads anew those of the followed ones that are asked for, all unless told; rejects with the first failure. */
  readonly refresh: (
    signal: AbortSignal,
    isWanted?: (service: string, known: T | undefined) => boolean,
  ) => Promise<void>;
  /** Ends all queries; resolves when they have. */
  readonly stop: () => Promise<void>;
};

type HealthPoolOptions<T> = {
  /** Throws when the answer is not the whole. */
  readonly read: (service: string, options: ReadOptions) => Promise<Answer<T>>;
  readonly onChange: () => void;
  /** The first failure after a success, and every one of a service that was never read. */
  readonly onFailure: (error: unknown, retryMilliseconds: number) => void;
  readonly random: () => number;
  /** Queries at one time. */
  readonly slots?: number;
  /** Between two queries about one service, so that a busy one is read ten times a second at most. */
  readonly pauseMilliseconds?: number;
};

// With 16 connections for all that does not wait, 2 for probes, and one each for the list of services, the checks that do
// not pass, the two watches of the other direction and the two of the registrar, these are 60; a server of Consul takes 200 of
// one address (limits.http_max_conns_per_client).
const SLOTS = 36;
const PAUSE_MILLISECONDS = 100;
// Consul's own default (Consul, "Blocking Queries").
const WAIT_SECONDS = 300;
// The shortest that Consul is asked for, when there is a suspicion: 36 queries a second, and 2,000 services in 56 s.
const SHORT_TURN_SECONDS = 1;
// Back in step within 5 s of the end of an outage.
const LONGEST_PAUSE = 4000;

type Known<T> = { readonly index: number; readonly value: T };

/** Up to as many services as there are slots, each has a query of its own, and a change is seen at once. */
export function createHealthPool<T>(options: HealthPoolOptions<T>): HealthPool<T> {
  const { read, onChange, onFailure, slots = SLOTS, pauseMilliseconds = PAUSE_MILLISECONDS } = options;
  const known = new Map<string, Known<T>>();
  const running = new Map<string, { readonly abort: () => void; readonly done: Promise<void> }>();
  const delays = backoff(options.random, LONGEST_PAUSE);
  let followed = new Set<string>();
  /** Those that have no query now, the next one first. */
  let waiting: string[] = [];
  /** Those that had no turn since the last suspicion. */
  let suspected = new Set<string>();
  let isSuspectedAgain = false;
  let isFailing = false;
  let isStopped = false;

  const haveTurns = (): boolean => followed.size > slots;

  /** So that each is asked about as often as by a query of its own. */
  function turnSeconds(): number {
    if (!haveTurns()) return WAIT_SECONDS;
    return suspected.size > 0
      ? SHORT_TURN_SECONDS
      : Math.max(SHORT_TURN_SECONDS, Math.floor((WAIT_SECONDS * slots) / followed.size));
  }

  function keep(service: string, answer: Answer<T>): void {
    if (!followed.has(service)) return;
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
    const after = index === 0 ? undefined : { index, waitSeconds: turnSeconds() };
    try {
      const answer = await read(service, { signal, after });
      delays.reset();
      isFailing = false;
      keepOfTurn(service, answer, index);
      hadTurn(service);
      if (!haveTurns()) await delay(pauseMilliseconds, undefined, { signal });
    } catch (error) {
      if (signal.aborted) return;
      const pause = delays.next();
      if (!isFailing) onFailure(error, pause);
      isFailing = true;
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  function hadTurn(service: string): void {
    if (!suspected.delete(service) || suspected.size > 0) return;
    if (isSuspectedAgain) suspected = new Set(followed);
    isSuspectedAgain = false;
  }

  function fill(): void {
    while (running.size < slots) {
      if (isStopped) return;
      // Those that were never read come first: nothing is known of them.
      const next = waiting.findIndex((service) => !known.has(service));
      const [service] = waiting.splice(Math.max(next, 0), 1);
      if (service === undefined) return;
      start(service);
    }
  }

  function start(service: string): void {
    const ending = new AbortController();
    running.set(service, { abort: () => ending.abort(), done: turn(service, ending.signal) });
  }

  /** Of one that cannot be read nothing is known any more, so that nothing of it is removed; the others are read. */
  async function reread(service: string, signal: AbortSignal): Promise<void> {
    try {
      keep(service, await read(service, { signal, consistency: 'consistent' }));
    } catch (error) {
      if (!isAboutOneRequest(error)) throw error;
      known.delete(service);
    }
  }

  async function turn(service: string, signal: AbortSignal): Promise<void> {
    await ask(service, signal);
    running.delete(service);
    if (followed.has(service)) waiting.push(service);
    fill();
  }

  return {
    follow: (services) => {
      const hadTurns = haveTurns();
      followed = new Set(services);
      for (const service of known.keys()) if (!followed.has(service)) known.delete(service);
      // A query that was to hold for minutes would keep its slot from the others.
      const isCrowded = haveTurns() && !hadTurns;
      for (const [service, { abort }] of running) if (isCrowded || !followed.has(service)) abort();
      for (const service of suspected) if (!followed.has(service)) hadTurn(service);
      waiting = services.filter((service) => !running.has(service));
      fill();
    },
    get: (service) => known.get(service)?.value,
    slots,
    suspect: () => {
      if (!haveTurns()) return;
      // A round that was begun is ended, or the last would never have its turn.
      isSuspectedAgain = suspected.size > 0;
      if (isSuspectedAgain) return;
      suspected = new Set(followed);
      for (const { abort } of running.values()) abort();
    },
    refresh: async (signal, isWanted = () => true) => {
      const left = [...followed].filter((service) => isWanted(service, known.get(service)?.value)).values();
      const work = async (): Promise<void> => {
        for (const service of left) await reread(service, signal);
      };
      // These wait for nothing, and share the connections of other calls.
      await Promise.all(Array.from({ length: REFRESHES }, work));
    },
    stop: async () => {
      isStopped = true;
      for (const { abort } of running.values()) abort();
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}

// Half of the connections for calls that do not wait (transport).
const REFRESHES = 8;
