/** Keeps a Consul secure: observes, decides on one write, does it, and observes again, until nothing is due. */
import {
  createController,
  type ControllerReporter,
  type ControllerRuntime,
} from '../reconcile/controller.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import type { Memory, SecureObserved } from '../secure/observed.ts';
import { stepText } from '../secure/describe-step.ts';
import { isPrimary } from '../secure/keyring-plan.ts';
import { behind } from '../secure/loaded.ts';
import { keysGone } from '../secure/pod-auth-method.ts';
import { nextSecureStep } from '../secure/secure-plan.ts';
import type { SecureStep } from '../secure/secure-step.ts';
import type { SecureSettings } from '../secure/secure-settings.ts';
import type { Watched } from './watched.ts';

export type WriteStep = Exclude<SecureStep, { kind: 'keep' | 'wait' }>;

/**
 * `conflict`: somebody else has written since the read. For a bootstrap, `off`: the leader runs without ACLs; `closed`: somebody else
 * bootstrapped first.
 */
export type StepOutcome =
  | { readonly kind: 'written' | 'conflict' | 'off' }
  | { readonly kind: 'closed'; readonly index: string }
  /** The other side refuses this one. */
  | { readonly kind: 'refused'; readonly reason: string };

export type SecureReporter = ControllerReporter<WriteStep> & {
  /** Of each pass: what was observed, and what comes next. */
  readonly looked: (observed: SecureObserved, step: SecureStep) => void;
};

type SecurePorts = ControllerRuntime &
  Omit<Watched<[]>, 'refresh'> & {
    readonly reporter: SecureReporter;
    readonly observe: (memory: Memory, signal: AbortSignal) => Promise<SecureObserved>;
    readonly perform: (step: WriteStep, signal: AbortSignal) => Promise<StepOutcome>;
  };

type Planned = { readonly observed: SecureObserved; readonly step: SecureStep };

// Nobody is told of manual edits in Consul.
const LOOK_AGAIN = 10_000;
const KEY = 'secure';

/** Resolves when the signal is aborted. */
export function runSecureLoop(
  ports: SecurePorts,
  settings: SecureSettings,
  signal: AbortSignal,
): Promise<void> {
  const { reporter, clock, random } = ports;
  const memory = createMemory();
  let due: number | undefined;
  /** The previous step, in words. */
  let last: string | undefined;
  const controller = createController<SecureObserved, Planned, WriteStep>({
    clock,
    random,
    reporter,
    resync: LOOK_AGAIN,
    dryRun: false,
    once: false,
    scope: 'all',
    coalescing: { quiet: 0, most: 0 },
    fullDue: () => due,
    guard: createDeletionGuard(clock, MANY_AT_ONCE),
    synced: ports.synced,
    listen: () => [ports.onChange(() => controller.enqueue(KEY))],
    reconciler: {
      observe: async (_request, until) => {
        const observed = await ports.observe(memory.current(), until);
        return { ...observed, memory: memory.seen(settings, observed) };
      },
      plan: (observed) => ({ observed, step: nextSecureStep(settings, observed) }),
      deletions: () => ({ ids: [], owned: 0 }),
      withhold: (plan) => plan,
      planned: ({ observed, step }) => {
        due = clock.elapsed() + Math.max(0, untilOf(step) - observed.now);
        reporter.looked(observed, step);
      },
      apply: async ({ observed, step }, writing, until) => {
        if (step.kind === 'keep' || step.kind === 'wait') {
          last = undefined;
          return;
        }
        const outcome = await ports.perform(step, until);
        memory.did(step, outcome, observed.now);
        if (outcome.kind === 'refused') writing.refused(step, outcome.reason);
        if (outcome.kind === 'written') writing.applied(step);
        const text = stepText(step);
        // A step without an effect would be repeated forever.
        const isRepeated = outcome.kind === 'written' && text === last;
        last = text;
        // What one agent refuses holds up nothing else.
        const goesOn = outcome.kind !== 'refused' || step.kind === 'reload';
        if (goesOn && !isRepeated) controller.enqueue(KEY);
      },
      keyOf: () => KEY,
    },
  });
  return controller.run(signal);
}

function untilOf(step: SecureStep): number {
  return step.kind === 'keep' || step.kind === 'wait' ? step.until : Infinity;
}

function createMemory() {
  const reloads = new Map<string, number>();
  const reviewers = new Map<string, number>();
  let behindSince: ReadonlyMap<string, number> = new Map();
  let keysGoneSince: ReadonlyMap<string, number> = new Map();
  let bootstrapClosed: Memory['bootstrapClosed'];
  let aclsOffAt: number | undefined;
  let primarySince: number | undefined;
  const current = (): Memory => ({
    reloads: new Map(reloads),
    behindSince,
    reviewers: new Map(reviewers),
    keysGoneSince,
    bootstrapClosed,
    aclsOffAt,
    primarySince,
  });
  /** The clock was put back: otherwise a step that is due at a certain hour would wait for the difference, too. */
  const forgetFuture = (now: number): void => {
    for (const times of [reloads, reviewers]) for (const [key, at] of times) if (at > now) times.delete(key);
    if (bootstrapClosed !== undefined && bootstrapClosed.at > now) bootstrapClosed = undefined;
    if (aclsOffAt !== undefined && aclsOffAt > now) aclsOffAt = undefined;
  };
  return {
    current,
    seen: (settings: SecureSettings, observed: SecureObserved): Memory => {
      const { now, agents, acl, keyring, state, signers } = observed;
      const uids = new Set(agents.map(({ pod }) => pod.uid));
      for (const uid of reloads.keys()) if (!uids.has(uid)) reloads.delete(uid);
      forgetFuture(now);
      const late = behind(settings, observed).map(({ pod }) => pod.uid);
      behindSince = since(late, behindSince, now);
      // If an auth method was not read, it is not known which of its keys are gone.
      if (acl.kind === 'known' && signers.kind === 'known')
        keysGoneSince = since(keysGone(settings, observed), keysGoneSince, now);
      if (acl.kind === 'known') bootstrapClosed = undefined;
      primarySince = isPrimary(keyring, state?.gossip ?? '') ? Math.min(primarySince ?? now, now) : undefined;
      return current();
    },
    did: (step: WriteStep, outcome: StepOutcome, now: number): void => {
      if (step.kind === 'reload') reloads.set(step.agent.pod.uid, now);
      if (step.kind === 'put-auth-method') reviewers.set(step.object.name, now);
      if (outcome.kind === 'off') aclsOffAt = now;
      if (outcome.kind === 'closed') bootstrapClosed = { index: outcome.index, at: now };
    },
  };
}

/** Since when each is so; those that are no longer so are dropped. */
function since(
  names: readonly string[],
  before: ReadonlyMap<string, number>,
  now: number,
): ReadonlyMap<string, number> {
  return new Map(names.map((name) => [name, Math.min(before.get(name) ?? now, now)]));
}
