/**
 * The kernel of every direction: keys come into a queue, both sides are observed, a plan is made, guarded and applied. It is
 * level-based, so that a lost event or answer costs time and nothing else.
 */
import { earliest } from '../support/earliest.ts';
import type { DeletionGuard } from './deletion-guard.ts';
import { createKeyBackoff } from './key-backoff.ts';
import type { Clock } from '../support/clock.ts';
import { createLoop } from './loop.ts';
import { createWorkInHand, type Backlog } from './work-in-hand.ts';
import { createWorkQueue, type Coalescing, type Work, type WorkQueue } from './work-queue.ts';

/** What one reconcile is about. */
export type Request = {
  /** Keys that may have changed; none before they are taken from the queue. */
  readonly keys: readonly string[];
  /** Everything is compared: at the start, after a failure, at a resync, to confirm deletions, or always. */
  readonly isFull: boolean;
  /** Deletions wait until both sides were read again, by reads that begin now. */
  readonly isConfirmation: boolean;
};

/** One direction. What `refresh`, `observe` or `apply` throws fails the reconcile: it is repeated, and compares everything. */
type Reconciler<Observed, Plan, Change> = {
  /** Reads again what is cached of the two sides, as far as necessary. The keys are taken after it. */
  readonly refresh?: (request: Request, signal: AbortSignal) => Promise<void>;
  /** Reads what must be known of the keys, or of everything; undefined while too little is known to conclude anything. */
  readonly observe: (request: Request, signal: AbortSignal) => Promise<Observed | undefined>;
  /** No I/O, and no effect on either side. */
  readonly plan: (observed: Observed, request: Request) => Plan | Promise<Plan>;
  /** Deletions that the guard judges: their ids, and the number of objects that are ours. */
  readonly deletions: (plan: Plan) => { readonly ids: readonly string[]; readonly owned: number };
  readonly withhold: (plan: Plan, ids: ReadonlySet<string>) => Plan;
  /** Reports what was found, and what is about to be done. */
  readonly planned?: (plan: Plan, request: Request) => void;
  /** Rejects with the first error when it is not known what was written; what was written by then was reported. */
  readonly apply: (plan: Plan, writing: Writing<Change>, signal: AbortSignal) => Promise<void>;
  /** What the direction remembers of its writes, before they are reported. */
  readonly applied?: (change: Change) => void;
  readonly refused?: (change: Change) => void;
  /** What is requeued when it is refused. */
  readonly keyOf: (change: Change) => string;
  /** The key that asked for it, if it may be another. */
  readonly askedBy?: (change: Change) => string;
};

/** What `apply` reports to the kernel, and asks it. */
export type Writing<Change> = {
  readonly applied: (change: Change) => void;
  /** The other side refuses it: the key is requeued with backoff. */
  readonly refused: (change: Change, reason: string) => void;
  /** Not begun, to give way: the key is requeued at once. @param group of a key that can wait, as in `enqueue` */
  readonly left: (key: string, group?: string) => void;
  /** An event asked for this key: a change of any other is a repair. */
  readonly isRequested: (key: string) => boolean;
  /**
   * Begins a turn. The returned function tells whether it may go on, and once it says no, it never says yes again. Large changes
   * give way to what happened meanwhile, but what is left has to be observed again, so as much time as that took is well spent on
   * writes. Urgent changes wait half a second at most.
   */
  readonly turn: () => () => boolean;
};

/** Where keys come from besides events. */
export type KeySource = {
  readonly due: () => number | undefined;
  /** Called in every reconcile, due or not. */
  readonly take: (now: number, signal: AbortSignal) => Iterable<string> | Promise<Iterable<string>>;
};

export type ControllerReporter<Change> = {
  /** `seconds` from the event that asked for it; undefined when no event did. */
  readonly applied: (change: Change, seconds: number | undefined) => void;
  readonly refused: (change: Change, reason: string) => void;
  readonly failed: (error: unknown, retryMilliseconds: number) => void;
  /** Both sides agree, or the rest is reported. */
  readonly succeeded: () => void;
};

/** What the operator sets for every controller. */
export type ControllerOptions = {
  /** Milliseconds between full reconciles. */
  readonly resync: number;
  /** Compute and report, and write nothing. */
  readonly dryRun: boolean;
  /** End when both sides agree. */
  readonly once: boolean;
};

/** What every controller runs on. */
export type ControllerRuntime = {
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
};

export type ControllerParts<Observed, Plan, Change> = ControllerOptions &
  ControllerRuntime & {
    readonly reconciler: Reconciler<Observed, Plan, Change>;
    readonly guard: DeletionGuard;
    readonly reporter: ControllerReporter<Change>;
    /** Resolves when every informer in use has its whole list; nothing is observed before. */
    readonly synced: (signal: AbortSignal) => Promise<void>;
    /** Enqueues keys on events of informers. Returns what removes these listeners. */
    readonly listen?: () => readonly (() => void)[];
    /** Follows what has no informer, until the signal is aborted. */
    readonly watch?: (signal: AbortSignal) => Promise<void>;
    readonly keySources?: readonly KeySource[];
    /** When everything must be compared, for reasons of the direction. */
    readonly fullDue?: () => number | undefined;
    /** Whether the direction itself has nothing more to wait for. */
    readonly isSettled?: () => boolean;
    /** `all`: comparing everything is cheap, so that a key means only that something may have changed. */
    readonly scope?: 'keys' | 'all';
    readonly coalescing?: Coalescing;
    /** Observing takes at most one part in this many of the time; without it, as much as events ask for. */
    readonly observingShare?: number;
  };

export type Controller = {
  /**
   * This key may have changed.
   *
   * @param group of a key that can wait: no more of these are taken than could be written the last time, groups with few first
   */
  readonly enqueue: (key: string, group?: string) => void;
  /** Requeues with backoff, as after a refusal. */
  readonly backOff: (key: string) => void;
  readonly isBackingOff: (key: string) => boolean;
  /** Something else may be due earlier than it seemed. */
  readonly notify: () => void;
  /** It is in the queue. */
  readonly isPending: (key: string) => boolean;
  /** What is not written yet. */
  readonly backlog: () => Backlog;
  /** Resolves when it has ended: by `once`, or by the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

// What happens meanwhile must be written within 2 s of its event: after half a second of writing there is time left for its
// reads and one write.
const LEAST_WRITING = 500;

export function createController<Observed, Plan, Change>(
  parts: ControllerParts<Observed, Plan, Change>,
): Controller {
  const { reconciler, guard, reporter, clock, keySources = [], resync, observingShare = 0 } = parts;
  const queue = createWorkQueue(parts.coalescing);
  const inHand = createWorkInHand(queue);
  const backoffs = createKeyBackoff(parts.random);
  let resyncDue = -Infinity;
  let restUntil = -Infinity;
  const requeues = [backoffs, ...keySources];
  const fullDue = (): number => earliest([resyncDue, guard.due(), parts.fullDue?.()]) ?? Infinity;
  const loop = createLoop({
    clock,
    random: parts.random,
    due: () =>
      Math.max(
        restUntil,
        earliest([fullDue(), queue.due(), ...requeues.map(({ due }) => due())]) ?? Infinity,
      ),
    reconcile: (signal) => inHand.during(() => reconcile(signal)),
    failed: reporter.failed,
    isDone: () => parts.once && isSettled(),
  });

  async function reconcile(signal: AbortSignal): Promise<void> {
    const start = clock.elapsed();
    const isFull = parts.scope === 'all' || loop.isRetry() || fullDue() <= start;
    const isConfirmation = await refreshed(parts, isFull, (guard.due() ?? Infinity) <= start, signal);
    for (const { take } of requeues) for (const key of await take(start, signal)) queue.add(key, start);
    const work = inHand.take(isFull);
    const request: Request = { keys: [...work.keys()], isFull, isConfirmation };

    const observed = await reconciler.observe(request, signal);
    if (isFull) resyncDue = clock.elapsed() + resync;
    restUntil = clock.elapsed() + (clock.elapsed() - start) * observingShare;
    if (observed === undefined) return guard.reset();
    const wanted = await reconciler.plan(observed, request);
    const { ids, owned } = reconciler.deletions(wanted);
    const withheld = guard.withheld(ids, owned, isConfirmation);
    const plan = withheld.size === 0 ? wanted : reconciler.withhold(wanted, withheld);
    reconciler.planned?.(plan, request);

    const left = new Map<string, string | undefined>();
    const writing = writingOf(parts, { work, start, left, queue, backOff });
    if (!parts.dryRun) await reconciler.apply(plan, writing, signal);
    inHand.written(left, start);
    if (left.size === 0) reporter.succeeded();
  }

  function isSettled(): boolean {
    const isQuiet = (guard.due() ?? backoffs.due()) === undefined && queue.size() === 0;
    return isQuiet && (parts.isSettled?.() ?? true);
  }

  function backOff(key: string): void {
    backoffs.failed(key, clock.elapsed());
  }

  return {
    enqueue: (key, group) => {
      if (queue.add(key, clock.elapsed(), group)) loop.notify();
    },
    backOff,
    isBackingOff: backoffs.isWaiting,
    notify: loop.notify,
    isPending: queue.has,
    backlog: () => inHand.backlog(clock.elapsed()),
    run: async (signal) => {
      await parts.synced(signal);
      if (!signal.aborted) await whileTold(parts, loop.run, signal);
      // A former leader holds nothing back.
      guard.reset();
    },
  };
}

/** Whether both sides were read anew. What cannot be confirmed waits, and nothing else waits for it. */
async function refreshed<Observed, Plan, Change>(
  { reconciler, guard, reporter }: ControllerParts<Observed, Plan, Change>,
  isFull: boolean,
  isConfirmation: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const refresh = (isConfirming: boolean) =>
    reconciler.refresh?.({ keys: [], isFull, isConfirmation: isConfirming }, signal);
  try {
    await refresh(isConfirmation);
    return isConfirmation;
  } catch (error) {
    if (!isConfirmation || signal.aborted) throw error;
    reporter.failed(error, guard.postpone());
  }
  await refresh(false);
  return false;
}

async function whileTold(
  { listen, watch }: Pick<ControllerParts<never, never, never>, 'listen' | 'watch'>,
  run: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const ending = new AbortController();
  const forget = listen?.() ?? [];
  const watching = watch?.(AbortSignal.any([signal, ending.signal]));
  await run(signal);
  ending.abort();
  await watching;
  for (const each of forget) each();
}

type Round = {
  readonly work: Work;
  readonly start: number;
  /** Keys that were not begun, each with its group. */
  readonly left: Map<string, string | undefined>;
  /** The reconcile that events ask for by now. */
  readonly queue: Pick<WorkQueue, 'due' | 'urgentDue'>;
  readonly backOff: (key: string) => void;
};

function writingOf<Observed, Plan, Change>(
  { reconciler, reporter, clock }: ControllerParts<Observed, Plan, Change>,
  { work, start, left, queue, backOff }: Round,
): Writing<Change> {
  return {
    applied: (change) => {
      reconciler.applied?.(change);
      const since = work.get((reconciler.askedBy ?? reconciler.keyOf)(change));
      reporter.applied(change, since === undefined ? undefined : (clock.elapsed() - since) / 1000);
    },
    refused: (change, reason) => {
      reconciler.refused?.(change);
      backOff(reconciler.keyOf(change));
      reporter.refused(change, reason);
    },
    left: (key, group) => void left.set(key, group),
    isRequested: (key) => work.has(key),
    turn: () => {
      const begun = clock.elapsed();
      const isAsked = (due: number | undefined): boolean => due !== undefined && due <= clock.elapsed();
      const givesWay = (spent: number): boolean =>
        spent >= Math.min(begun - start, LEAST_WRITING) &&
        (isAsked(queue.urgentDue()) || (spent >= LEAST_WRITING && isAsked(queue.due())));
      let isOver = false;
      return () => {
        // Another event makes it quiet later, but changes that follow from those that were left must not be written.
        isOver ||= givesWay(clock.elapsed() - begun);
        return !isOver;
      };
    },
  };
}
