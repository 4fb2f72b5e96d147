/** Deletes the ACL tokens of pods that are gone: each login creates one, and nobody logs out a pod that was killed. */
import { formerTokens, type PodToken } from '../catalog/mesh/pod-token.ts';
import { createController, type Request } from '../reconcile/controller.ts';
import { createDeletionGuard, UNANNOUNCED } from '../reconcile/deletion-guard.ts';
import { inParallel } from '../reconcile/in-parallel.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import type { RegistrarOptions } from './registrar-loop.ts';
import type { ConnectWrite, RegistrarPorts } from './registrar-ports.ts';

export type Tokens = {
  /** Of pods of this owner; refused when the token of the registrar may not read any. Throws when they are not known. */
  readonly list: (owner: string, signal: AbortSignal) => Promise<readonly PodToken[] | TokensRefused>;
  readonly delete: (accessor: string, signal: AbortSignal) => Promise<ConnectWrite>;
};

type TokensRefused = { readonly refused: string };

type TokenPorts = Pick<RegistrarPorts, 'source' | 'clock' | 'random'> & {
  readonly tokens: Tokens;
  readonly reporter: TokenReporter;
};

export type TokenReporter = {
  readonly deleted: (count: number) => void;
  /** Reported once, until it is over. */
  readonly refused: (reason: string) => void;
  readonly failed: (error: unknown, retryMilliseconds: number) => void;
  /** All tokens were seen, and none remains that should be deleted. */
  readonly succeeded: () => void;
};

type TokenPlan = {
  /** Their pods have ended, or the container that had them. */
  readonly dead: readonly PodToken[];
  /** Of pods that are not known. */
  readonly strangers: readonly PodToken[];
};

// A sidecar that ends logs out by itself; the token of one that was killed is not urgent.
const AFTER_END = 2000;
// All tokens of a large cluster are megabytes: reading them takes at most a tenth of the time.
const SHARE = 10;

/** Resolves when the signal is aborted. */
export function runTokenLoop(
  { source, tokens, reporter, clock, random }: TokenPorts,
  { owner, resync, dryRun }: Omit<RegistrarOptions, 'once'>,
  signal: AbortSignal,
): Promise<void> {
  const reports = tokenReports(reporter);
  const controller = createController<readonly PodToken[], TokenPlan, never>({
    clock,
    random,
    resync,
    dryRun,
    once: false,
    scope: 'all',
    coalescing: { quiet: AFTER_END, most: AFTER_END },
    observingShare: SHARE,
    guard: createDeletionGuard(clock, UNANNOUNCED),
    reporter: reports,
    synced: source.synced,
    listen: () => [
      source.onChange(({ isEnd }) => {
        if (isEnd) controller.enqueue('tokens');
      }),
    ],
    reconciler: {
      observe,
      plan: (found) => planOf(found, source.snapshot),
      deletions: ({ strangers }) => ({ ids: strangers.map(({ accessor }) => accessor), owned: 0 }),
      withhold: (plan, ids) => ({
        ...plan,
        strangers: plan.strangers.filter(({ accessor }) => !ids.has(accessor)),
      }),
      apply: ({ dead, strangers }, _writing, until) => deleteAll([...dead, ...strangers], until),
      keyOf: (change) => change,
    },
  });

  /** @returns undefined when Consul refuses to list them */
  async function observe(
    { isConfirmation }: Request,
    until: AbortSignal,
  ): Promise<readonly PodToken[] | undefined> {
    const found = await tokens.list(owner, until);
    if ('refused' in found) {
      reports.tellRefused(found.refused);
      return undefined;
    }
    // Pods log in themselves, so the list of tokens may contain a pod that only a pod list that began after it contains.
    if (isConfirmation) await source.refresh(until);
    return found;
  }

  async function deleteAll(dead: readonly PodToken[], until: AbortSignal): Promise<void> {
    let deleted = 0;
    reports.begun();
    await inParallel(dead, async ({ accessor }) => {
      const outcome = await tokens.delete(accessor, until);
      if (outcome.kind === 'applied') deleted += 1;
      else reports.kept(outcome.reason);
    });
    if (deleted > 0) reporter.deleted(deleted);
  }

  return controller.run(signal);
}

function planOf(
  found: readonly PodToken[],
  snapshot: Pick<PodSnapshot, 'pods' | 'isKnown' | 'isEnded'>,
): TokenPlan {
  const finished = new Set(
    [...snapshot.pods()].filter(({ stage }) => stage === 'finished').map(({ uid }) => uid),
  );
  const isGone = (uid: string): boolean => !snapshot.isKnown(uid);
  const former = new Set(formerTokens(found));
  const isDead = (uid: string): boolean => finished.has(uid) || (isGone(uid) && snapshot.isEnded(uid));
  return {
    dead: found.filter((token) => isDead(token.uid) || (former.has(token) && !isGone(token.uid))),
    strangers: found.filter(({ uid }) => isGone(uid) && !snapshot.isEnded(uid)),
  };
}

/** What the kernel reports, with tokens only as a count, and a refusal once. */
function tokenReports(reporter: TokenReporter) {
  /** Consul has refused something, and that was reported. */
  let isRefused = false;
  /** Of the last reconcile: a token remains that should be deleted. */
  let isKept = false;
  const tellRefused = (reason: string): void => {
    if (!isRefused) reporter.refused(reason);
    isRefused = true;
  };
  return {
    begun: (): void => {
      isKept = false;
    },
    tellRefused,
    kept: (reason: string): void => {
      isKept = true;
      tellRefused(reason);
    },
    applied: (): void => undefined,
    refused: (): void => undefined,
    failed: (error: unknown, retryMilliseconds: number): void => {
      isRefused = false;
      reporter.failed(error, retryMilliseconds);
    },
    succeeded: (): void => {
      if (isKept) return;
      isRefused = false;
      reporter.succeeded();
    },
  };
}
