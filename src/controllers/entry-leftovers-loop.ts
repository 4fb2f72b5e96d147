/** Lets objects be deleted that consul-k8s would keep forever. None of it needs Consul, so it works while Consul is down. */
import { isLeftover, type EntryObject } from '../catalog/config-entries/entry-object.ts';
import { isAllowed } from '../catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type { EntrySettings } from '../catalog/config-entries/decide-entry.ts';
import type { ControllerRuntime } from '../reconcile/controller.ts';
import { createLoop } from '../reconcile/loop.ts';
import { earliest } from '../support/earliest.ts';
import type { ConfigEntryReporter, EntryCluster, EntryObjectSource } from './config-entry-ports.ts';

type LeftoverPorts = ControllerRuntime & {
  readonly objects: Pick<EntryObjectSource, 'objects' | 'onChange'>;
  readonly cluster: Pick<EntryCluster, 'dropFinalizer'>;
  readonly reporter: Pick<ConfigEntryReporter, 'failed'>;
};

type LeftoverOptions = {
  readonly kinds: readonly EntryKind[];
  readonly settings: Pick<EntrySettings, 'allowNamespaces'>;
};

// Milliseconds. A missing right may be granted by then, and one line a minute is enough for a log.
const RETRY = 60_000;

/** What the API server refuses is reported, and holds nothing up. Resolves when the signal is aborted. */
export async function dropLeftovers(
  { objects, cluster, reporter, clock, random }: LeftoverPorts,
  { kinds, settings }: LeftoverOptions,
  signal: AbortSignal,
): Promise<void> {
  /** What was tried, and when it is tried again unless it has changed. */
  const tried = new Map<EntryObject, number>();
  let isAsked = true;

  async function reconcile(until: AbortSignal): Promise<void> {
    isAsked = false;
    const leftovers = kinds.flatMap((kind) =>
      objects
        .objects(kind)
        .filter((object) => isLeftover(object) && isAllowed(object, settings))
        .map((object) => ({ kind, object })),
    );
    const there = new Set(leftovers.map(({ object }) => object));
    for (const object of tried.keys()) if (!there.has(object)) tried.delete(object);
    for (const { kind, object } of leftovers) {
      if ((tried.get(object) ?? -Infinity) > clock.elapsed()) continue;
      tried.set(object, clock.elapsed() + RETRY);
      await cluster.dropFinalizer(kind, object, until).catch((error: unknown) => {
        if (until.aborted) throw error;
        reporter.failed(error, RETRY);
      });
    }
  }

  const loop = createLoop({
    clock,
    random,
    due: () => (isAsked ? -Infinity : earliest(tried.values())),
    reconcile,
    failed: reporter.failed,
    isDone: () => false,
  });
  const unsubscribe = objects.onChange(() => {
    isAsked = true;
    loop.notify();
  });
  await loop.run(signal);
  unsubscribe();
}
