/** Deletes the ACL tokens of pods that are gone: each login makes one, and nobody logs a pod out that was killed. */
import type { PodToken } from '../catalog/mesh/pod-token.ts';
import { CONFIRM_AFTER } from '../reconcile/deletion-guard.ts';
import { createLoop } from '../reconcile/loop.ts';
import { earliest } from '../support/earliest.ts';
import type { RegistrarOptions, RegistrarPorts } from './registrar-loop.ts';
import type { ConnectWrite } from './registrar-ports.ts';
import { inParallel } from '../reconcile/in-parallel.ts';

export type Tokens = {
  /** Of pods of this owner; refused when the token of the registrar may not read any. Throws when they are not known. */
  readonly list: (owner: string, signal: AbortSignal) => Promise<readonly PodToken[] | TokensRefused>;
  readonly delete: (accessor: string, signal: AbortSignal) => Promise<ConnectWrite>;
};

export type TokensRefused = { readonly refused: string };

export type TokenPorts = Pick<RegistrarPorts, 'source' | 'clock' | 'random'> & {
  readonly tokens: Tokens;
  readonly reporter: TokenReporter;
};

export type TokenReporter = {
  readonly deleted: (count: number) => void;
  /** Told once, until it is over. */
  readonly refused: (reason: string) => void;
  readonly failed: (error: unknown, retryMilliseconds: number) => void;
  /** All were seen, and none stays that should go. */
  readonly succeeded: () => void;
};

// A sidecar that ends logs out by itself; the token of one that was killed is no hurry.
const AFTER_END = 2000;
// All tokens of a large cluster are megabytes: looking takes at most a tenth of the time.
const SHARE = 10;

/** Resolves when the signal is aborted. */
export async function runTokenLoop(
  { source, tokens, reporter, clock, random }: TokenPorts,
  { owner, resync, dryRun }: Omit<RegistrarOptions, 'once'>,
  signal: AbortSignal,
): Promise<void> {
  const { snapshot } = source;
  let fullDue = -Infinity;
  let endDue: number | undefined;
  let nextLook = -Infinity;
  /** Tokens of no pod that is known, until the second look. */
  let held: { readonly accessors: ReadonlySet<string>; readonly due: number } | undefined;
  let isRefused = false;
  const passes = createLoop({
    clock,
    random,
    due: () => Math.max(nextLook, earliest([fullDue, endDue, held?.due]) ?? Infinity),
    reconcile: pass,
    failed: (error, retryMilliseconds) => {
      isRefused = false;
      reporter.failed(error, retryMilliseconds);
    },
    isDone: () => false,
  });

  function tellRefused(reason: string): void {
    if (!isRefused) reporter.refused(reason);
    isRefused = true;
  }

  async function deleteAll(dead: Iterable<PodToken>): Promise<void> {
    let deleted = 0;
    let isKept = false;
    await inParallel(dead, async ({ accessor }) => {
      const outcome = await tokens.delete(accessor, signal);
      if (outcome.kind === 'applied') deleted += 1;
      else {
        isKept = true;
        tellRefused(outcome.reason);
      }
    });
    if (!isKept) {
      isRefused = false;
      reporter.succeeded();
    }
    if (deleted > 0) reporter.deleted(deleted);
  }

  async function pass(): Promise<void> {
    const now = clock.elapsed();
    const isSecondLook = held !== undefined && held.due <= now;
    endDue = undefined;
    const found = await tokens.list(owner, signal);
    nextLook = clock.elapsed() + (clock.elapsed() - now) * SHARE;
    fullDue = clock.elapsed() + resync;
    if ('refused' in found) {
      held = undefined;
      return tellRefused(found.refused);
    }
    // Whose pod is in a list that began after the look is none: that is what makes the second look safe.
    if (isSecondLook) await source.refresh(signal);
    const finished = new Set(
      [...snapshot.pods()].filter(({ stage }) => stage === 'finished').map(({ uid }) => uid),
    );
    const unknown = found.filter(({ uid }) => !snapshot.isKnown(uid));
    const confirmed = isSecondLook ? (held?.accessors ?? new Set()) : new Set();
    const dead = new Set([
      ...found.filter(({ uid }) => finished.has(uid)),
      ...unknown.filter(({ uid, accessor }) => snapshot.isEnded(uid) || confirmed.has(accessor)),
    ]);
    const waiting = unknown.filter((each) => !dead.has(each)).map(({ accessor }) => accessor);
    if (isSecondLook) held = undefined;
    if (waiting.length > 0) held ??= { accessors: new Set(waiting), due: clock.elapsed() + CONFIRM_AFTER };
    if (!dryRun) await deleteAll(dead);
  }

  await source.synced(signal);
  const unsubscribe = source.onChange(({ isEnd }) => {
    if (isEnd) endDue ??= clock.elapsed() + AFTER_END;
    passes.notify();
  });
  await passes.run(signal);
  unsubscribe();
}
