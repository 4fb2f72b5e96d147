/** Config entries over `/v1/config`: each kind by a blocking query of its own, and writes that name the index they were planned on. */
import { setTimeout as delay } from 'node:timers/promises';
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
import { indexed } from '../model/instance.ts';
import { hasCode, reasonOf } from '../support/errors.ts';
import { asObject, asString } from '../support/json.ts';
import { indexOf, jsonOf, type Answer } from './answer.ts';
import type { ConsulCalls } from './client.ts';
import { whyUnseen } from './entry-rights.ts';
import { follow } from './follow.ts';
import { read, type ReadOptions } from './read.ts';
import { readTrustDomain } from './trust-domain.ts';

type ConfigEntriesOptions = {
  readonly client: ConsulCalls;
  readonly kinds: readonly EntryKind[];
  /** Undefined where there is one datacenter. In a secondary one, entries have other indexes, which no write can use. */
  readonly primary: string | undefined;
};

/** By their names, as Consul compares those; what has not changed is the very same entry. */
type EntriesByName = ReadonlyMap<string, ObservedEntry>;

/** A read is as new as its index says, unless a snapshot was restored: then a read that began later has a smaller index. */
type Dated = { readonly index: number; readonly taken: number };

/** An entry as it was read by itself; undefined when there was none. */
type SingleRead = Dated & { readonly entry: ObservedEntry | undefined };

type KnownKind = Dated & {
  /** Undefined while they cannot be read. */
  readonly entries: EntriesByName | undefined;
  /** Of Consul, as `readTrustDomain`. */
  readonly trustDomain: string | undefined;
  readonly trouble: string | undefined;
  /** Entries that were read singly since then: an older list does not have them. */
  readonly newer: ReadonlyMap<string, SingleRead>;
};

/** `began`: how many reads had been taken in when this one began. */
type ListRead = Answer<{
  readonly entries: EntriesByName;
  readonly trustDomain: string | undefined;
  readonly began: number;
}>;

/**
 * Never the list over all kinds: it has the private keys of inline certificates. A kind is followed while it is used; each
 * blocking query is a request in flight at a server.
 */
export function entrySource(options: ConfigEntriesOptions, random: () => number = Math.random): EntrySource {
  const known = createKnownKinds();
  /** Kinds that are not followed → what makes them followed again. */
  const idle = new Map<EntryKind, AbortController>();

  const readKind = async (kind: EntryKind, query: ReadOptions): Promise<ListRead> => {
    const began = known.taken();
    const { value, ...answer } = await listKind(options, kind, query);
    // What is known when the answer arrives.
    const entries = byName(value.entries, known.of(kind)?.entries ?? NONE);
    return { ...answer, value: { ...value, entries, began } };
  };

  return {
    entries: (kind) => {
      const found = known.of(kind);
      if (found === undefined) return NOT_READ;
      return { trouble: found.trouble, entries: found.entries && [...found.entries.values()] };
    },
    isRead: () => options.kinds.every((kind) => known.of(kind) !== undefined),
    idle: () => [...idle.keys()],
    run: async ({ isUsed, changed, failed }, signal) => {
      const followKind: Following['followKind'] = (kind, until, unused) =>
        follow((query) => readKind(kind, query), {
          signal: until,
          random,
          onFailure: (error, retryMilliseconds) => {
            known.lose(kind, error);
            failed(error, retryMilliseconds);
            changed(kind);
          },
          onAnswer: (answer) => {
            if (known.take(kind, answer)) changed(kind);
            if (!isUsed(kind)) unused();
          },
        });
      await Promise.all(options.kinds.map((kind) => whileUsed(kind, { idle, isUsed, followKind }, signal)));
    },
    readOne: async (kind, name, signal) => {
      const { found, index } = await readEntry(options, kind, name, signal);
      const entry = found && identified(found, known.of(kind)?.trustDomain);
      known.takeOne(kind, name, { index, entry });
      return entry;
    },
    refresh: async (kinds, signal) => {
      await Promise.all(
        kinds.map(async (kind) => {
          try {
            known.take(kind, await readKind(kind, { signal }));
          } catch (error) {
            known.lose(kind, error);
            throw error;
          } finally {
            idle.get(kind)?.abort();
          }
        }),
      );
    },
  };
}

function createKnownKinds() {
  const lists = new Map<string, KnownKind>();
  /** Number of reads that were taken in. */
  let taken = 0;
  return {
    of: ({ entryKind }: EntryKind): KnownKind | undefined => lists.get(entryKind),
    taken: (): number => taken,
    /** Whether anything differs from what was known. */
    take: ({ entryKind }: EntryKind, { index, filteredByAcls, value }: ListRead): boolean => {
      const known = lists.get(entryKind);
      const isNewer = (other: Dated): boolean => other.index > index && other.taken > value.began;
      if (known?.entries !== undefined && isNewer(known)) return false;
      const newer = [...(known?.newer ?? [])].filter(([, single]) => isNewer(single));
      const entries = newer.reduce(withSingle, value.entries);
      const trouble = filteredByAcls ? filtered(entryKind) : undefined;
      taken += 1;
      lists.set(entryKind, { ...value, entries, trouble, index, taken, newer: new Map(newer) });
      return known?.trouble !== trouble || !isSame(known?.entries, entries);
    },
    takeOne: ({ entryKind }: EntryKind, name: string, single: Omit<SingleRead, 'taken'>): void => {
      const known = lists.get(entryKind);
      if (known?.entries === undefined || known.index > single.index) return;
      taken += 1;
      const change = [indexed(name), { ...single, taken }] as const;
      const newer = new Map([...known.newer, change]);
      lists.set(entryKind, { ...known, entries: withSingle(known.entries, change), newer });
    },
    lose: ({ entryKind }: EntryKind, error: unknown): void => {
      const trouble = reasonOf(error);
      const [entries, trustDomain] = [undefined, undefined];
      lists.set(entryKind, { entries, trustDomain, trouble, index: 0, taken, newer: new Map() });
    },
  };
}

// Milliseconds. Without objects, entries of ours can come only from a snapshot that was restored.
const IDLE = 600_000;

type Following = {
  readonly idle: Map<EntryKind, AbortController>;
  readonly isUsed: (kind: EntryKind) => boolean;
  /** Ends when the signal is aborted; calls back when the kind is not used. */
  readonly followKind: (kind: EntryKind, until: AbortSignal, unused: () => void) => Promise<void>;
};

async function whileUsed(
  kind: EntryKind,
  { idle, isUsed, followKind }: Following,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const unused = new AbortController();
    await followKind(kind, AbortSignal.any([signal, unused.signal]), () => unused.abort());
    if (isUsed(kind)) continue;
    const used = new AbortController();
    idle.set(kind, used);
    const until = AbortSignal.any([signal, used.signal]);
    await delay(IDLE, undefined, { signal: until }).catch(() => undefined);
    idle.delete(kind);
  }
}

const NONE: EntriesByName = new Map();

function withSingle(
  entries: EntriesByName,
  [key, { entry }]: readonly [key: string, single: SingleRead],
): EntriesByName {
  const changed = new Map(entries);
  if (entry === undefined) changed.delete(key);
  else if (changed.get(key)?.index !== entry.index) changed.set(key, entry);
  return changed;
}

function isSame(before: EntriesByName | undefined, now: EntriesByName): boolean {
  return before?.size === now.size && [...now].every(([key, entry]) => before.get(key) === entry);
}

const NOT_READ: KnownEntries = { entries: undefined, trouble: 'Consul was not asked yet' };

function filtered(entryKind: string): string {
  const rules =
    entryKind === 'service-intentions'
      ? 'intentions = "write"'
      : 'mesh = "write" and service_prefix "" { policy = "write" }';
  return `the token does not show all entries of ${entryKind}, so none is removed; it needs ${rules}`;
}

/** An entry before it has its id, for which Consul is asked for its trust domain. */
type ReadEntry = Omit<ObservedEntry, 'id'> & { readonly created: number };

function identified({ created, ...entry }: ReadEntry, trustDomain: string | undefined): ObservedEntry {
  return { ...entry, id: trustDomain === undefined ? undefined : `${trustDomain}/${created}` };
}

async function listKind(
  { client, primary }: ConfigEntriesOptions,
  kind: EntryKind,
  query: ReadOptions,
): Promise<Answer<{ readonly entries: readonly ObservedEntry[]; readonly trustDomain: string | undefined }>> {
  const decode = (json: unknown): readonly ReadEntry[] =>
    listAt(json, 'answer', (value, place) => readEntryAt(kind, value, place));
  const path = `/v1/config/${kind.entryKind}`;
  const listed = await read(client, { endpoint: 'config-read', path, query: { dc: primary }, decode }, query);
  // Asked each time, after a wait that may be long: the address may now lead to another Consul, or to one that was reset.
  const trustDomain = await readTrustDomain(client, query.signal);
  const entries = listed.value.map((entry) => identified(entry, trustDomain));
  return { ...listed, value: { entries, trustDomain } };
}

/** @param known entries that have not changed are taken from it, so that nothing is compared twice */
function byName(entries: readonly ObservedEntry[], known: EntriesByName): EntriesByName {
  return new Map(
    entries.map((entry) => {
      const key = indexed(entry.name);
      const old = known.get(key);
      return [key, old?.index === entry.index && old.id === entry.id ? old : entry];
    }),
  );
}

function readEntry(
  { client, primary }: ConfigEntriesOptions,
  kind: EntryKind,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly found: ReadEntry | undefined; readonly index: number }> {
  return client.call({
    endpoint: 'config-read',
    method: 'GET',
    path: pathOf(kind, name),
    query: { dc: primary },
    accept: [404],
    signal,
    read: (raw) => {
      const index = indexOf(raw);
      return raw.status === 404
        ? { found: undefined, index }
        : { found: readEntryAt(kind, jsonOf(raw), 'answer'), index };
    },
  });
}

function readEntryAt(kind: EntryKind, value: unknown, place: string): ReadEntry {
  const entry = objectAt(value, place);
  const { ModifyIndex: index, CreateIndex: created = index } = entry;
  if (typeof index !== 'number' || typeof created !== 'number')
    throw new Error(`${place} has no ModifyIndex`);
  return {
    entryKind: kind.entryKind,
    // The entry of the mesh has no name.
    name: asString(entry['Name']) || (kind.naming.from === 'none' ? kind.naming.only : ''),
    index,
    created,
    meta: Object.fromEntries(
      Object.entries(asObject(entry['Meta'])).map(([key, text]) => [key, asString(text) ?? '']),
    ),
    entry,
  };
}

export function entryWriter({ client }: Pick<ConfigEntriesOptions, 'client'>): EntryWriter {
  return {
    write: async (change, signal) => {
      try {
        return await send(client, change, signal);
      } catch (error) {
        // The token lacks a rule for this entry, but may have one for others.
        if (hasCode(error, 'TANDEM_CONSUL_FORBIDDEN')) return { kind: 'refused', reason: error.message };
        throw error;
      }
    },
    mayRemove: (removals, signal) => whyUnseen(client, removals, signal),
  };
}

function pathOf({ entryKind }: EntryKind, name: string): string {
  return `/v1/config/${entryKind}/${encodeURIComponent(name)}`;
}

function send(client: ConsulCalls, change: EntryChange, signal: AbortSignal): Promise<EntryWriteOutcome> {
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
