/** Deletions that a broken or early read may have caused wait until both sides were read again, and agree. */
import type { Clock } from '../support/clock.ts';

/** What the guard considers suspicious. */
export type DeletionPolicy = {
  /** More deletions than this must be confirmed, of so many objects that are ours. */
  readonly limit: (owned: number) => number;
  /** What waits above the limit: everything, or only what was not confirmed. */
  readonly waiting: 'all' | 'unconfirmed';
};

// Below ten, a share means nothing: three of five instances may be one Service that was deleted.
const ALWAYS_ALLOWED = 10;
const ALLOWED_PERCENT = 30;

/** A plan that deletes much is more often a broken read than intended. */
export const MANY_AT_ONCE: DeletionPolicy = {
  limit: (owned) => Math.max(ALWAYS_ALLOWED, Math.floor((owned * ALLOWED_PERCENT) / 100)),
  waiting: 'all',
};

/** Each deletion of something whose end was not announced: it may be so new that its event is still on the way. */
export const UNANNOUNCED: DeletionPolicy = { limit: () => 0, waiting: 'unconfirmed' };

/** Deletions that were not confirmed, if they are more than the limit. */
type WaitingDeletions = {
  readonly removals: number;
  readonly limit: number;
  readonly owned: number;
};

export type GuardReporter = {
  /** Deletions wait to be confirmed. */
  readonly guarded: (waiting: WaitingDeletions) => void;
  /** Nothing waits any more. */
  readonly released: () => void;
};

export type DeletionGuard = {
  /** When both sides must be read again, by `elapsed` of the clock; undefined while no deletion waits. */
  readonly due: () => number | undefined;
  /**
   * Judges a whole plan at once: the same deletions in several small plans would each be allowed. Confirmed deletions no longer
   * count, so that a cluster in which something always changes makes progress.
   *
   * @param owned number of objects that are ours, before the plan
   * @param isConfirmation both sides were read again since deletions began to wait
   * @returns ids of the deletions that must wait
   */
  readonly withheld: (ids: readonly string[], owned: number, isConfirmation: boolean) => ReadonlySet<string>;
  /** Both sides could not be read anew. @returns milliseconds until they must be again */
  readonly postpone: () => number;
  /** Forgets what waits: it is judged anew when it is seen again. */
  readonly reset: () => void;
};

const NONE: ReadonlySet<string> = new Set();

/** Milliseconds until both sides are read again. */
const CONFIRM_AFTER = 10_000;

export function createDeletionGuard(
  clock: Pick<Clock, 'elapsed'>,
  policy: DeletionPolicy,
  reporter?: GuardReporter,
): DeletionGuard {
  let pending: { readonly ids: ReadonlySet<string>; readonly due: number } | undefined;
  const reset = (): void => {
    if (pending !== undefined) reporter?.released();
    pending = undefined;
  };
  return {
    due: () => pending?.due,
    postpone: () => {
      if (pending !== undefined) pending = { ...pending, due: clock.elapsed() + CONFIRM_AFTER };
      return CONFIRM_AFTER;
    },
    reset,
    withheld: (ids, owned, isConfirmation) => {
      if (pending !== undefined && !isConfirmation) return new Set(ids);
      const confirmed = pending?.ids ?? NONE;
      const unconfirmed = ids.filter((id) => !confirmed.has(id));
      const limit = policy.limit(owned);
      if (unconfirmed.length <= limit) {
        reset();
        return NONE;
      }
      const withheld = new Set(policy.waiting === 'all' ? ids : unconfirmed);
      pending = { ids: withheld, due: clock.elapsed() + CONFIRM_AFTER };
      reporter?.guarded({ removals: unconfirmed.length, limit, owned });
      return withheld;
    },
  };
}
