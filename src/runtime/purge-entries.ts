/** Removes the config entries of one owner from Consul, for `tandem sync --purge`. */
import { NO_RECALL, type EntrySettings } from '../catalog/config-entries/decide-entry.ts';
import { ENTRY_KINDS } from '../catalog/config-entries/entry-kinds.ts';
import { planEntries, type EntryChange, type EntryRemoval } from '../catalog/config-entries/entry-plan.ts';
import type { ConsulCalls } from '../consul/client.ts';
import { entrySource, entryWriter } from '../consul/config-entries.ts';
import { consulDatacentersOnce } from '../consul/consul-datacenters.ts';
import { whyAnyUnseen } from '../consul/entry-rights.ts';
import { applyEntries } from '../controllers/apply-entries.ts';
import type { EntrySource } from '../controllers/config-entry-ports.ts';
import { createEntryMemory } from '../controllers/entry-memory.ts';
import type { Log } from '../telemetry/logger.ts';
import { reasonOf } from '../support/errors.ts';

type PurgeEntriesOptions = {
  readonly owner: string;
  readonly consul: ConsulCalls;
  readonly datacenters: Parameters<typeof consulDatacentersOnce>[1];
  /** Without it, a token that may not read the entries is no failure: it has never written any. */
  readonly isRequired: boolean;
  readonly log: Log;
};

/** @returns how many could not be removed, and what could not be read as a whole among them if it is required */
export async function purgeEntries(options: PurgeEntriesOptions, signal: AbortSignal): Promise<number> {
  const { owner, consul, datacenters, log, isRequired } = options;
  let unread = 0;
  const tell = (error: unknown, fields: object): void => {
    if (signal.aborted) throw error;
    unread += 1;
    const reason = reasonOf(error);
    log('warn', 'not all config entries are purged', { ...fields, reason });
  };
  try {
    const { datacenter, primary } = await consulDatacentersOnce(consul, datacenters, signal);
    const kinds = ENTRY_KINDS.filter(({ enterprise }) => enterprise !== true);
    const entries = entrySource({ client: consul, kinds, primary });
    for (const kind of kinds) {
      const fields = { kind: kind.entryKind };
      try {
        await entries.refresh([kind], signal);
      } catch (error) {
        tell(error, fields);
        continue;
      }
      const { trouble } = entries.entries(kind);
      if (trouble !== undefined) tell(trouble, fields);
    }
    const unseen = await whyAnyUnseen(consul, signal);
    if (unseen !== undefined) tell(unseen, {});
    const settings = { owner, datacenter, adopt: false, policy: 'sync', allowNamespaces: ['*'] } as const;
    const removals = removalsOf(entries, settings);
    const removed = await remove({ ...options, entries, settings }, removals, signal);
    const left = removals.length - removed;
    log('info', 'config entries are purged', { owner, removed, left: unread === 0 ? left : 'not known' });
    return left + (isRequired ? unread : 0);
  } catch (error) {
    tell(error, {});
    return isRequired ? 1 : 0;
  }
}

/** Entries that are ours, for a plan without any object. */
function removalsOf(entries: EntrySource, settings: EntrySettings): readonly EntryRemoval[] {
  const views = ENTRY_KINDS.map((kind) => ({
    kind,
    objects: [],
    ...entries.entries(kind),
    keep: undefined,
    crdCreated: undefined,
  }));
  return planEntries(views, settings, NO_RECALL).removals;
}

type RemoveParts = PurgeEntriesOptions & {
  readonly entries: EntrySource;
  readonly settings: EntrySettings;
};

/** @returns how many. @throws the error after which the rest was not tried */
async function remove(
  { consul, entries, settings, log }: RemoveParts,
  removals: readonly EntryRemoval[],
  signal: AbortSignal,
): Promise<number> {
  const refused = ({ key }: EntryChange, reason: string): void =>
    log('error', 'Consul refused a change', { entry: key, reason });
  const parts = {
    writer: entryWriter({ client: consul }),
    entries,
    settings,
    memory: createEntryMemory(() => 0),
    reporter: { refused, acceptedOtherwise: () => undefined },
    applied: () => undefined,
  };
  const { outcomes, error } = await applyEntries(parts, removals, signal);
  if (error !== undefined) throw error;
  return [...outcomes.values()].filter(({ kind }) => kind === 'written').length;
}
