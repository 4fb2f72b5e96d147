/** Keeps Consul's config entries as the custom resources say. Level-based; changes that others make in Consul are undone. */
import type { EntryChange, EntryPlan, KindView } from '../catalog/config-entries/entry-plan.ts';
import type { EntrySettings } from '../catalog/config-entries/decide-entry.ts';
import { entryHolder, objectPlace } from '../catalog/config-entries/entry-holder.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import {
  createController,
  type ControllerOptions,
  type ControllerRuntime,
  type Writing,
} from '../reconcile/controller.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import { applyEntries } from './apply-entries.ts';
import type {
  ConfigEntryReporter,
  EntryCluster,
  EntryObjectSource,
  EntrySource,
  EntryWriter,
} from './config-entry-ports.ts';
import { sleep } from '../support/clock.ts';
import { earliest } from '../support/earliest.ts';
import { dropLeftovers } from './entry-leftovers-loop.ts';
import { dueEntries } from './due-entries.ts';
import { createEntryMemory, type EntryMemory } from './entry-memory.ts';
import { createEntryViews } from './entry-views.ts';
import { createEntryStatuses } from './entry-statuses.ts';
import { createTermLists } from './term-lists.ts';

type ConfigEntryOptions = ControllerOptions & {
  readonly settings: EntrySettings;
  readonly kinds: readonly EntryKind[];
  /** The objects were watched before, while another replica led, perhaps. */
  readonly areObjectsOld: boolean;
};

type ConfigEntryPorts = ControllerRuntime & {
  readonly objects: EntryObjectSource;
  readonly entries: EntrySource;
  readonly writer: EntryWriter;
  readonly cluster: EntryCluster;
  readonly reporter: ConfigEntryReporter;
};

// Milliseconds. An edit is one event, `kubectl apply` of a folder many: what comes within 10 is planned at once, so that a
// router finds its protocol, and half of all changes are in Consul within a tenth of a second.
const COALESCING = { quiet: 10, most: 50 };

// Milliseconds, for the lists of a large cluster: what the objects of one kind need may be an object of another kind. One that
// takes longer holds back only itself.
const LISTS_TOGETHER = 5000;

/** Resolves when it has ended: by `once`, or by the signal. */
export function runConfigEntries(
  ports: ConfigEntryPorts,
  options: ConfigEntryOptions,
  signal: AbortSignal,
): Promise<void> {
  const { objects, entries, writer, reporter, clock, random } = ports;
  const { settings, kinds, areObjectsOld } = options;
  const readable = kinds.filter(({ enterprise }) => enterprise !== true);
  const memory = createEntryMemory(clock.elapsed);
  const lists = createTermLists({ relist: objects.relist, reporter, clock });
  const views = createEntryViews(
    { ...ports, isAwaited: ({ plural }) => lists.isAwaited(plural) },
    options,
    memory,
  );
  const statuses = createEntryStatuses(ports, memory);

  /** Removals that the guard allowed, and that had to wait for their turn. */
  let passed: ReadonlySet<string> = new Set();

  const controller = createController<readonly KindView[], EntryPlan, EntryChange>({
    ...options,
    clock,
    random,
    reporter: { ...reporter, succeeded: lists.succeeded },
    scope: 'all',
    coalescing: COALESCING,
    fullDue: () => earliest([memory.retryDue(), statuses.retryDue(), views.retryDue()]),
    guard: createDeletionGuard(clock, MANY_AT_ONCE, reporter),
    isSettled: () => readable.every((kind) => entries.entries(kind).entries !== undefined),
    synced: async (until) => {
      await objects.synced(until);
      if (!areObjectsOld || until.aborted) return;
      const listed = lists.ask(until, (kind) => controller.enqueue(kind));
      await Promise.race([listed, sleep(clock, LISTS_TOGETHER, until)]);
    },
    listen: () => [objects.onChange((kind, place) => controller.enqueue(askedKey(kind, place)))],
    watch: (until) => followEntries(ports, options, memory, (key) => controller.enqueue(key), until),
    reconciler: {
      refresh: async ({ isConfirmation }, until) => {
        // What cannot be read is unknown, and the plan says so; the others need not wait for it.
        const read = isConfirmation ? readable : entries.idle().filter((kind) => hasObjects(objects, kind));
        const reads = Promise.allSettled(read.map((kind) => entries.refresh([kind], until)));
        await Promise.all([isConfirmation ? objects.refresh(until) : undefined, reads]);
      },
      observe: async (_request, until) => (entries.isRead() ? views.observe(until) : undefined),
      plan: views.plan,
      deletions: ({ removals, owned }) => ({
        ids: removals.flatMap(({ key }) => (passed.has(key) ? [] : key)),
        owned,
      }),
      withhold: (plan, ids) => ({ ...plan, removals: plan.removals.filter(({ key }) => !ids.has(key)) }),
      planned: reporter.planned,
      apply,
      applied: memory.applied,
      keyOf: ({ key }) => key,
      askedBy,
    },
  });

  async function apply(plan: EntryPlan, writing: Writing<EntryChange>, until: AbortSignal): Promise<void> {
    const { now, left } = dueEntries(plan, memory);
    for (const change of left) writing.left(askedBy(change));
    passed = new Set(left.flatMap(({ action, key }) => (action === 'delete' ? key : [])));
    const { applied } = writing;
    const result = await applyEntries({ writer, entries, settings, memory, reporter, applied }, now, until);
    await statuses.write(plan, result, until);
    if (result.error !== undefined) throw result.error;
  }

  return controller.run(signal);
}

async function followEntries(
  ports: ConfigEntryPorts,
  options: ConfigEntryOptions,
  memory: EntryMemory,
  enqueue: (key: string) => void,
  until: AbortSignal,
): Promise<void> {
  const { objects, entries, reporter } = ports;
  const isAdopting = options.settings.adopt && !options.dryRun;
  const leftovers = isAdopting ? dropLeftovers(ports, options, until) : undefined;
  const changed = ({ entryKind }: EntryKind): void => {
    memory.changed();
    enqueue(entryKind);
  };
  const isUsed = (kind: EntryKind): boolean =>
    hasObjects(objects, kind) ||
    (entries.entries(kind).entries ?? []).some(
      ({ meta }) => entryHolder(meta, options.settings).kind === 'ours',
    );
  await entries.run({ isUsed, changed, failed: reporter.failed }, until);
  await leftovers;
}

function hasObjects({ objects }: EntryObjectSource, kind: EntryKind): boolean {
  return objects(kind).length > 0;
}

function askedBy(change: EntryChange): string {
  return askedKey(change.kind, change.action === 'delete' ? change.place : objectPlace(change.object));
}

function askedKey({ entryKind }: EntryKind, place: string): string {
  return `${entryKind}/${place}`;
}
