/** Events on objects: why something was done or not done, where people look for it. */
import { randomBytes } from 'node:crypto';
import { TandemError } from '../support/errors.ts';
import type { ApiAnswer, ApiClient } from './api-client.ts';
import { backoff } from '../support/backoff.ts';
import { sleep, type Clock } from '../support/clock.ts';
import {
  eventName,
  eventObject,
  eventsPath,
  eventUpdate,
  type EventSeries,
  type EventTarget,
  type EventType,
} from './event-object.ts';
import { recentGroups } from './recent-map.ts';
import { requestRefused } from './refused-object.ts';
import { tokenBucket } from './token-bucket.ts';
import { createTurns } from './turns.ts';

type EventOutcome =
  | { readonly kind: 'written' }
  /** Too many about this object; this one is counted and goes out with a later one. */
  | { readonly kind: 'rate-limited' }
  /** Too many objects at once. */
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'failed'; readonly error: TandemError };

type EventRecorderOptions = {
  readonly client: Pick<ApiClient, 'request'>;
  /** Name of this replica. */
  readonly instance: string;
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
  readonly onOutcome: (outcome: EventOutcome) => void;
};

export type EventRecorder<Reason extends string> = {
  /** Returns at once and never throws. Needs the rights to create and patch events. */
  readonly record: (target: EventTarget, type: EventType, reason: Reason, message: string) => void;
  /** Resolves when everything that was recorded is written or given up. */
  readonly idle: () => Promise<void>;
  /** Gives up what is not written yet. */
  readonly stop: () => Promise<void>;
};

// The API server forgets an Event after an hour (kube-apiserver --event-ttl).
const EVENT_LIFE = 3_600_000;
// As client-go's EventSourceObjectSpamFilter: a burst of 25 about one object, and then one in 5 minutes.
const RATE = { burst: 25, refill: 300_000 };
// As the caches of client-go's EventCorrelator. A message has 1 KiB at most, so that all of them need a few MB.
const REMEMBERED = 4096;
// A few seconds while an API server restarts; after that, the Events are no news.
const ATTEMPTS = 4;

type Held = { readonly series: EventSeries; readonly isCreated: boolean };

/**
 * Writes one after the other, and namespaces take turns: thousands of objects in one namespace do not delay the Events of
 * another. If the same happens to the same object within an hour, the count of its Event goes up.
 */
export function eventRecorder<Reason extends string>(options: EventRecorderOptions): EventRecorder<Reason> {
  const { clock, onOutcome } = options;
  const stopping = new AbortController();
  const pending = createTurns();
  const known = recentGroups<Held>(REMEMBERED, (namespace, key) => {
    if (pending.remove(namespace, key)) onOutcome({ kind: 'forgotten' });
  });
  const buckets = recentGroups<() => boolean>(REMEMBERED);
  let isWorking = false;
  let working = Promise.resolve();

  const mayWrite = (namespace: string, uid: string): boolean => {
    const bucket = buckets.get(namespace, uid) ?? tokenBucket(RATE, clock.elapsed);
    buckets.set(namespace, uid, bucket);
    return bucket();
  };

  const work = async (): Promise<void> => {
    for (let next = pending.take(); next !== undefined; next = pending.take()) {
      if (stopping.signal.aborted) break;
      const [namespace, key] = next;
      const held = known.get(namespace, key);
      if (held === undefined) continue;
      if (!mayWrite(namespace, held.series.target.uid)) {
        onOutcome({ kind: 'rate-limited' });
        continue;
      }
      const error = await writeAgain(held, options, stopping.signal);
      // It may have happened again meanwhile, so more is known now.
      const now = known.get(namespace, key);
      if (error === undefined && now?.series.name === held.series.name)
        known.set(namespace, key, { ...now, isCreated: true });
      onOutcome(error === undefined ? { kind: 'written' } : { kind: 'failed', error });
    }
    isWorking = false;
  };

  return {
    record: (target, type, reason, message) => {
      if (stopping.signal.aborted) return;
      const key = JSON.stringify([target.uid, type, reason, message]);
      const now = clock.now();
      const { namespace = '' } = target;
      const old = known.get(namespace, key);
      const isNews = old === undefined || now - old.series.last > EVENT_LIFE;
      const held = isNews ? begin(target, type, reason, message, now) : old;
      known.set(namespace, key, {
        ...held,
        series: { ...held.series, last: now, count: held.series.count + 1 },
      });
      pending.add(namespace, key);
      if (isWorking) return;
      isWorking = true;
      working = work();
    },
    idle: () => working,
    stop: () => {
      stopping.abort();
      return working;
    },
  };
}

function begin(target: EventTarget, type: EventType, reason: string, message: string, now: number): Held {
  const name = eventName(target, randomBytes(8).toString('hex'));
  return {
    series: { target, type, reason, message, name, first: now, last: now, count: 0 },
    isCreated: false,
  };
}

/** Resolves with the error when it gave up. */
async function writeAgain(
  held: Held,
  { client, instance, clock, random }: EventRecorderOptions,
  signal: AbortSignal,
): Promise<TandemError | undefined> {
  const delays = backoff(random);
  for (let attempt = 1; ; attempt += 1) {
    const answer = await write(held, client, instance, signal).catch((error: unknown) => {
      if (error instanceof TandemError) return error;
      throw error;
    });
    if (!(answer instanceof TandemError) && answer.status < 300) return undefined;
    const isTransient =
      answer instanceof TandemError
        ? answer.code !== 'TANDEM_NOT_LEADING'
        : answer.status === 429 || answer.status >= 500;
    if (!isTransient || attempt === ATTEMPTS || signal.aborted) {
      const { reason, target } = held.series;
      const what = `Event ${reason} on ${target.kind} ${target.name}`;
      return answer instanceof TandemError ? answer : requestRefused(what, answer);
    }
    await sleep(clock, delays.next(), signal);
  }
}

async function write(
  { series, isCreated }: Held,
  client: Pick<ApiClient, 'request'>,
  instance: string,
  signal: AbortSignal,
): Promise<ApiAnswer> {
  const path = eventsPath(series.target);
  const create = (): Promise<ApiAnswer> =>
    client.request('POST', path, eventObject(series, instance), signal);
  const update = (): Promise<ApiAnswer> =>
    client.request('PATCH', `${path}/${series.name}`, eventUpdate(series), signal);
  if (!isCreated) {
    const answer = await create();
    // An attempt whose answer was lost has created it.
    return answer.status === 409 ? update() : answer;
  }
  const answer = await update();
  return answer.status === 404 ? create() : answer;
}
