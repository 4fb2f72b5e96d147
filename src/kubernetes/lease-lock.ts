/** One Lease and one candidate: each attempt reads, decides, and writes at most once. */
import { TandemError } from '../support/errors.ts';
import { property, type JsonObject } from '../support/json.ts';
import type { ApiAnswer, ApiClient } from './api-client.ts';
import type { Clock } from '../support/clock.ts';
import { leaseRecord, leaseSpec, type LeaseRecord } from './lease-record.ts';
import { requestRefused } from './refused-object.ts';

export type LockOptions = {
  readonly client: Pick<ApiClient, 'request'>;
  readonly namespace: string;
  readonly name: string;
  /** Only of this process: with a name that a successor could have, too, both would lead. */
  readonly identity: string;
  /** Milliseconds after which others may take a Lease that is not renewed. */
  readonly duration: number;
  readonly clock: Clock;
};

export type Attempt =
  /** Held since before this moment of `clock.elapsed`, when the request was sent. */
  | { readonly kind: 'held'; readonly since: number }
  /** Somebody else holds it, and it cannot be taken before this moment of `clock.elapsed`. */
  | { readonly kind: 'taken'; readonly holder: string; readonly freeAt: number }
  /** Somebody else has written it since it was read; only another read shows who holds it. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly error: TandemError };

type LeaseLock = {
  /** Takes or renews it. It rejects only because of a bug. */
  readonly attempt: (signal: AbortSignal) => Promise<Attempt>;
  /** Releases it, so that another replica can take it at once. Undefined if that succeeded. */
  readonly release: (signal: AbortSignal) => Promise<TandemError | undefined>;
};

/** By the rules of client-go's leaderelection package, optimistic locking and clocks included. */
export function leaseLock(options: LockOptions): LeaseLock {
  const { client, namespace, name, identity, duration, clock } = options;
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  /** What we wrote last, as long as nobody is known to have written since then. */
  let own: LeaseRecord | undefined;
  /** The last change of somebody else's Lease, by our own clock: theirs may be wrong by hours. */
  let seen: { readonly spec: string; readonly at: number } | undefined;

  const write = async (
    before: LeaseRecord | undefined,
    holder: string,
    signal: AbortSignal,
  ): Promise<ApiAnswer> => {
    const spec = leaseSpec(before, holder, holder === '' ? 0 : duration, clock.now());
    if (before === undefined) return client.request('POST', collection, leaseObject(name, spec), signal);
    // The version is in the metadata: the write of another in between makes this one a conflict.
    return client.request('PUT', `${collection}/${name}`, { ...before.object, spec }, signal);
  };

  const hold = async (before: LeaseRecord | undefined, signal: AbortSignal): Promise<Attempt> => {
    const since = clock.elapsed();
    const answer = await write(before, identity, signal);
    own = answer.status === 200 || answer.status === 201 ? leaseRecord(answer.body) : undefined;
    if (own !== undefined) return { kind: 'held', since };
    return answer.status === 409 ? { kind: 'lost' } : failed(answer, name);
  };

  const readAndHold = async (signal: AbortSignal): Promise<Attempt> => {
    const answer = await client.request('GET', `${collection}/${name}`, undefined, signal);
    if (answer.status === 404) return hold(undefined, signal);
    const record = answer.status === 200 ? leaseRecord(answer.body) : undefined;
    if (record === undefined) return failed(answer, name);
    if (record.holder === '' || record.holder === identity) return hold(record, signal);
    const spec = JSON.stringify(property(record.object, 'spec'));
    if (seen?.spec !== spec) seen = { spec, at: clock.elapsed() };
    const freeAt = seen.at + record.duration;
    if (clock.elapsed() < freeAt) return { kind: 'taken', holder: record.holder, freeAt };
    return hold(record, signal);
  };

  return {
    attempt: (signal) =>
      coded(async () => {
        if (own === undefined) return readAndHold(signal);
        const attempt = await hold(own, signal);
        // A conflict: only a read shows whether the Lease is still ours.
        return own === undefined ? readAndHold(signal) : attempt;
      }),
    release: async (signal) => {
      const before = own;
      own = undefined;
      if (before === undefined) return undefined;
      const result = await coded(async (): Promise<Attempt | undefined> => {
        const answer = await write(before, '', signal);
        return answer.status === 200 ? undefined : failed(answer, name);
      });
      return result?.kind === 'failed' ? result.error : undefined;
    },
  };
}

function leaseObject(name: string, spec: JsonObject): JsonObject {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
}

function failed(answer: ApiAnswer, name: string): Attempt {
  if (answer.status >= 300) return { kind: 'failed', error: requestRefused(`Lease ${name}`, answer) };
  const text = `Lease ${name}: status ${answer.status}, but the answer is not a Lease`;
  return { kind: 'failed', error: new TandemError('TANDEM_KUBERNETES_REFUSED', text) };
}

async function coded<T>(run: () => Promise<T>): Promise<T | Extract<Attempt, { kind: 'failed' }>> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof TandemError) return { kind: 'failed', error };
    throw error;
  }
}
