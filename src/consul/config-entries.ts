/** Config entries over `/v1/config`: each kind by a blocking query of its own, and writes that name the index they were planned on. */
import type { ObservedEntry } from '../catalog/config-entries/entry-holder.ts';
import type { EntryChange } from '../catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type {
  EntrySource,
  EntryWriteOutcome,
  EntryWriter,
  KnownEntries,
} from '../controllers/config-entry-ports.ts';
import { listAt, objectAt } from '../model/decode-consul.ts';
import { TandemError } from '../support/errors.ts';
import { asString, isObject, property } from '../support/json.ts';
import { jsonOf, type Answer } from './answer.ts';
import { authorize, type AskedRight } from './authorize.ts';
import type { ConsulClient } from './client.ts';
import { follow } from './follow.ts';
import { read, type ReadOptions } from './read.ts';

type ConfigEntriesOptions = {
  readonly client: Pick<ConsulClient, 'call'>;
  readonly kinds: readonly EntryKind[];
  /** Undefined where there is one datacenter. In a secondary one, entries have other indexes, which no write can name. */
  readonly primary: string | undefined;
};

/** Never the list over all kinds: it has the private keys of inline certificates. */
export function entrySource(options: ConfigEntriesOptions, random: () => number = Math.random): EntrySource {
  const lists = new Map<string, KnownEntries & { readonly at: number }>();
  /** Kinds of which an answer was passed over because a later one is known. */
  const passedOver = new Set<string>();

  const readKind = (kind: EntryKind, query: ReadOptions): Promise<Answer<readonly ObservedEntry[]>> =>
    listKind(options, kind, lists.get(kind.entryKind)?.entries ?? [], query);
  const take = (
    { entryKind }: EntryKind,
    { value, index, filteredByAcls }: Answer<readonly ObservedEntry[]>,
  ) => {
    const known = lists.get(entryKind);
    const isLate = known?.entries !== undefined && index < known.at;
    // A late answer of a query that began before a write; twice, and a snapshot was restored.
    if (isLate && !passedOver.delete(entryKind)) return void passedOver.add(entryKind);
    passedOver.delete(entryKind);
    const trouble = filteredByAcls ? filtered(entryKind) : undefined;
    lists.set(entryKind, { entries: value, trouble, at: index });
  };
  const lose = ({ entryKind }: EntryKind, error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error);
    lists.set(entryKind, { entries: undefined, trouble: why, at: 0 });
  };

  return {
    entries: ({ entryKind }) => lists.get(entryKind) ?? NOT_READ,
    isRead: () => options.kinds.every(({ entryKind }) => lists.has(entryKind)),
    run: async (events, signal) => {
      await Promise.all(
        options.kinds.map((kind) =>
          follow((query) => readKind(kind, query), {
            signal,
            random,
            onFailure: (error, retryMilliseconds) => {
              lose(kind, error);
              events.failed(error, retryMilliseconds);
              events.changed(kind);
            },
            onAnswer: (answer) => {
              const before = lists.get(kind.entryKind)?.at;
              take(kind, answer);
              if (before !== answer.index) events.changed(kind);
            },
          }),
        ),
      );
    },
    refresh: async (kinds, signal) => {
      await Promise.all(
        kinds.map(async (kind) => {
          try {
            take(kind, await readKind(kind, { signal }));
          } catch (error) {
            lose(kind, error);
            throw error;
          }
        }),
      );
    },
  };
}

const NOT_READ: KnownEntries = { entries: undefined, trouble: 'Consul was not asked yet' };

function filtered(entryKind: string): string {
  const rules =
    entryKind === 'service-intentions'
      ? 'intentions = "write"'
      : 'mesh = "write" and service_prefix "" { policy = "write" }';
  return `the token does not show all entries of ${entryKind}, so none is removed; it needs ${rules}`;
}

/** @param known of which what has not changed is kept as it is, so that nothing is compared twice */
async function listKind(
  { client, primary }: ConfigEntriesOptions,
  kind: EntryKind,
  known: readonly ObservedEntry[],
  query: ReadOptions,
): Promise<Answer<readonly ObservedEntry[]>> {
  const before = new Map(known.map((entry) => [entry.name, entry]));
  return read(
    client,
    {
      endpoint: 'config-read',
      path: `/v1/config/${kind.entryKind}`,
      query: { dc: primary },
      decode: (json) =>
        listAt(json, 'answer', (value, place) => {
          const entry = observedEntry(kind, value, place);
          const old = before.get(entry.name);
          return old?.index === entry.index ? old : entry;
        }),
    },
    query,
  );
}

function observedEntry(kind: EntryKind, value: unknown, place: string): ObservedEntry {
  const entry = objectAt(value, place);
  const index = entry['ModifyIndex'];
  if (typeof index !== 'number') throw new Error(`${place} has no ModifyIndex`);
  const meta = property(entry, 'Meta');
  return {
    entryKind: kind.entryKind,
    // That of the mesh has none.
    name: asString(entry['Name']) || (kind.naming.from === 'none' ? kind.naming.only : ''),
    index,
    meta: Object.fromEntries(
      Object.entries(isObject(meta) ? meta : {}).map(([key, text]) => [key, asString(text) ?? '']),
    ),
    entry,
  };
}

export function entryWriter({ client, primary }: Omit<ConfigEntriesOptions, 'kinds'>): EntryWriter {
  return {
    write: async (change, signal) => {
      try {
        return await send(client, change, signal);
      } catch (error) {
        // The token lacks a rule for this entry, and need not for others.
        if (error instanceof TandemError && error.code === 'TANDEM_CONSUL_FORBIDDEN')
          return { kind: 'refused', reason: error.message };
        throw error;
      }
    },
    read: (kind, name, signal) =>
      client.call({
        endpoint: 'config-read',
        method: 'GET',
        path: pathOf(kind, name),
        query: { dc: primary },
        accept: [404],
        signal,
        read: (raw) => (raw.status === 404 ? undefined : observedEntry(kind, jsonOf(raw), 'answer')),
      }),
    mayRemove: async (removals, signal) => {
      const asked = removals.map(({ kind, name }) => rightOf(kind, name));
      const isAllowed = await authorize(client, asked, signal);
      if (isAllowed === 'acls-off') return undefined;
      const missing = asked.find((_right, at) => isAllowed[at] === false);
      return missing === undefined
        ? undefined
        : `the token may not write ${missing.Resource} ${JSON.stringify(missing.Segment)}, so what it shows need not be all`;
    },
  };
}

function pathOf({ entryKind }: EntryKind, name: string): string {
  return `/v1/config/${entryKind}/${encodeURIComponent(name)}`;
}

function send(
  client: Pick<ConsulClient, 'call'>,
  change: EntryChange,
  signal: AbortSignal,
): Promise<EntryWriteOutcome> {
  const isRemoval = change.action === 'delete';
  return client.call<EntryWriteOutcome>({
    endpoint: 'config-write',
    method: isRemoval ? 'DELETE' : 'PUT',
    path: isRemoval ? pathOf(change.kind, change.name) : '/v1/config',
    query: { cas: String(change.index) },
    ...(isRemoval ? {} : { body: JSON.stringify(change.entry) }),
    signal,
    refused: (reason) => ({ kind: 'refused', reason: shortened(reason) }),
    read: (raw) => {
      const isDone = jsonOf(raw);
      if (typeof isDone !== 'boolean') throw new Error('the answer is neither "true" nor "false"');
      return { kind: isDone ? 'applied' : 'stale' };
    },
  });
}

// Consul repeats what it refuses, which may be as long as an object; its reason is in the first words.
const REASON_LENGTH = 1000;

function shortened(reason: string): string {
  return reason.length <= REASON_LENGTH ? reason : `${reason.slice(0, REASON_LENGTH)}…`;
}

// What the rules of Consul ask for (agent/structs/config_entry*.go, `CanWrite`).
const BY_SERVICE = new Set(['service-defaults', 'service-resolver', 'service-router', 'service-splitter']);

function rightOf({ entryKind }: EntryKind, name: string): AskedRight {
  if (entryKind === 'service-intentions') return { Resource: 'intention', Access: 'write', Segment: name };
  if (BY_SERVICE.has(entryKind)) return { Resource: 'service', Access: 'write', Segment: name };
  return { Resource: 'mesh', Access: 'write', Segment: '' };
}
