/**
 * The custom resources and Consul's entries compared: what is written and removed, and how each object stands. Whatever is not
 * known on one side is left as it is on the other.
 */
import { byText, indexed } from '../../model/instance.ts';
import { quote } from '../../support/text.ts';
import {
  decideEntry,
  refusalOf,
  type EntryRecall,
  type EntrySettings,
  type EntryWrite,
} from './decide-entry.ts';
import {
  CREATED_META,
  entryHolder,
  OBJECT_META,
  objectPlace,
  type Meta,
  type ObservedEntry,
} from './entry-holder.ts';
import type { EntryObject } from './entry-object.ts';
import type { EntryState } from './entry-state.ts';
import { heldEntryId } from './entry-status.ts';
import type { EntryKind } from './entry-table.ts';
import { entryName } from './to-consul-entry.ts';

/** What is known of one kind on both sides. */
export type KindView = {
  readonly kind: EntryKind;
  readonly objects: readonly EntryObject[];
  /** Undefined while Consul's list could not be read. */
  readonly entries: readonly ObservedEntry[] | undefined;
  /** Why not all of them are known. */
  readonly trouble: string | undefined;
  /** Why no entry of this kind is removed now; undefined when its objects are all known, and its entries too. */
  readonly keep: string | undefined;
  /** `creationTimestamp` of the CRD, once it was asked for. */
  readonly crdCreated: string | undefined;
};

export type EntryRemoval = {
  readonly action: 'delete';
  readonly reason: 'object-gone' | 'renamed';
  readonly key: string;
  readonly kind: EntryKind;
  readonly name: string;
  /** `<namespace>/<name>` of the object that it was made from. */
  readonly place: string;
  readonly index: number;
  /** Key of the entry that takes its place: without it, this one stays. */
  readonly after: string | undefined;
};

export type EntryChange = EntryWrite | EntryRemoval;

/** Key of the entry that must be in Consul first; undefined when there is none. */
export function waitsFor(change: EntryChange): string | undefined {
  return change.action === 'delete' ? change.after : undefined;
}

export type PlannedObject = {
  readonly object: EntryObject;
  readonly kind: EntryKind;
  /** Undefined when the object names no entry. */
  readonly entry: { readonly key: string; readonly name: string } | undefined;
  readonly state: EntryState;
};

type KeptEntry = {
  readonly key: string;
  readonly kind: EntryKind;
  readonly name: string;
  readonly place: string;
  readonly why: string;
};

export type EntryPlan = {
  readonly objects: readonly PlannedObject[];
  readonly writes: readonly EntryWrite[];
  readonly removals: readonly EntryRemoval[];
  /** Ours, without an object, and not removed. */
  readonly kept: readonly KeptEntry[];
  /** Entries that are ours. */
  readonly owned: number;
};

/** Consul's index folds case: `Web` and `web` are one entry. */
export function entryKey({ entryKind }: Pick<EntryKind, 'entryKind'>, name: string): string {
  return `${entryKind}/${indexed(name)}`;
}

export function planEntries(
  views: readonly KindView[],
  settings: EntrySettings,
  recall: EntryRecall,
): EntryPlan {
  const planned = views.map((view) => planKind(view, settings, recall));
  return {
    objects: planned.flatMap(({ objects }) => objects),
    writes: planned.flatMap(({ writes }) => writes),
    removals: planned.flatMap(({ removals }) => removals),
    kept: planned.flatMap(({ kept }) => kept),
    owned: planned.reduce((sum, { owned }) => sum + owned, 0),
  };
}

function planKind(view: KindView, settings: EntrySettings, recall: EntryRecall): EntryPlan {
  const { kind, entries = [] } = view;
  const observed = new Map(entries.map((entry) => [entryKey(kind, entry.name), entry]));
  const ours = [...observed].filter(([, { meta }]) => entryHolder(meta, settings).kind === 'ours');
  const made = Map.groupBy(ours, ([, { meta }]) => meta[OBJECT_META] ?? '');
  const writes: EntryWrite[] = [];
  const holders = holdersOf(view, settings, makersOf(observed, view, settings, recall));
  const objects = view.objects.filter(isAlive).map((object): PlannedObject => {
    const entry = entryOf(kind, object);
    if (!isAllowed(object, settings)) return { object, kind, entry, state: notAllowed(object) };
    // Without it, nobody can tell who owns an entry.
    if (view.entries === undefined)
      return { object, kind, entry, state: refusalOf(kind, object) ?? unknown(view) };
    const holder = entry && holders.get(entry.key);
    if (holder !== undefined && holder !== object) return { object, kind, entry, state: nameTaken(holder) };
    const key = entry?.key ?? '';
    const isRenamed = (made.get(objectPlace(object)) ?? []).some(([other]) => other !== key);
    const desired = { key, kind, name: entry?.name ?? '', object, isRenamed };
    const decision = decideEntry(desired, observed.get(desired.key), settings, recall);
    if ('write' in decision) writes.push(decision.write);
    return { object, kind, entry, state: decision.state };
  });
  const orphans = ours.filter(([key]) => !holders.has(key));
  return { objects, writes, owned: ours.length, ...removalsOf(orphans, objects, view, settings) };
}

/** Its author deleted it, and somebody else's finalizer keeps it: its entry is removed now. */
function isAlive({ deletionTimestamp }: EntryObject): boolean {
  return deletionTimestamp === undefined;
}

export function isAllowed(
  { namespace }: EntryObject,
  { allowNamespaces }: Pick<EntrySettings, 'allowNamespaces'>,
): boolean {
  return allowNamespaces.includes('*') || allowNamespaces.includes(namespace);
}

/**
 * Entry → the object that has it: the one that it was made from, else the oldest, else the first by its place. An invalid
 * object keeps what it has. By age alone, the owner of an old object could take over somebody else's entry by naming it.
 *
 * @param makers as `makersOf`
 */
function holdersOf(
  { kind, objects }: KindView,
  settings: EntrySettings,
  makers: ReadonlyMap<string, string>,
): ReadonlyMap<string, EntryObject> {
  const holders = new Map<string, EntryObject>();
  for (const object of objects.filter(isAlive)) {
    const entry = entryOf(kind, object);
    if (entry === undefined || !isAllowed(object, settings)) continue;
    const other = holders.get(entry.key);
    const maker = makers.get(entry.key);
    if (other === undefined || objectPlace(object) === maker) holders.set(entry.key, object);
    else if (objectPlace(other) !== maker && byAge(object, other) < 0) holders.set(entry.key, object);
  }
  return holders;
}

/** Entry that is ours, or was before somebody dropped its meta → place of the object that it was made from. */
function makersOf(
  observed: ReadonlyMap<string, ObservedEntry>,
  { kind, objects }: KindView,
  settings: EntrySettings,
  { held }: EntryRecall,
): ReadonlyMap<string, string> {
  const holding = objects.filter((object) => heldEntryId(object) !== undefined);
  const byId = new Map(holding.map((object) => [heldEntryId(object), objectPlace(object)]));
  // While Consul does not tell which entry it is, nobody else gets it. If two objects had it, the first keeps it.
  const byKey = new Map(
    holding.toReversed().map((object) => [entryOf(kind, object)?.key, objectPlace(object)]),
  );
  const makerOf = ([key, { meta, id }]: [string, ObservedEntry]): string | undefined => {
    const holder = entryHolder(meta, settings);
    if (holder.kind === 'ours') return meta[OBJECT_META];
    if (holder.kind !== 'unmanaged') return undefined;
    const last = held(key);
    if (id === undefined) return last?.place ?? byKey.get(key);
    return last?.id === id ? last.place : byId.get(id);
  };
  return new Map(
    [...observed].flatMap((each) => {
      const maker = makerOf(each);
      return maker === undefined ? [] : [[each[0], maker]];
    }),
  );
}

/** Undefined for an object that names no entry, or another than the only one of its kind; it is refused anyway. */
function entryOf(kind: EntryKind, object: EntryObject): PlannedObject['entry'] {
  const name = entryName(kind, object);
  const { naming } = kind;
  const own = naming.from === 'none' ? object.name : name;
  const only = naming.from === 'destination' ? undefined : naming.only;
  if (name === '' || (only !== undefined && own !== only)) return undefined;
  return { key: entryKey(kind, name), name };
}

function byAge(left: EntryObject, right: EntryObject): number {
  return (
    byText(left.creationTimestamp, right.creationTimestamp) || byText(objectPlace(left), objectPlace(right))
  );
}

function removalsOf(
  orphans: readonly (readonly [key: string, entry: ObservedEntry])[],
  objects: readonly PlannedObject[],
  { kind, keep, crdCreated }: KindView,
  { policy }: EntrySettings,
): Pick<EntryPlan, 'removals' | 'kept'> {
  const byPlace = new Map(objects.map((each) => [objectPlace(each.object), each]));
  const byPolicy = policy === 'sync' ? undefined : `--config-entries-policy=${policy} removes nothing`;
  const removals: EntryRemoval[] = [];
  const kept: KeptEntry[] = [];
  for (const [key, { name, meta, index }] of orphans) {
    const place = meta[OBJECT_META] ?? 'unknown';
    const object = byPlace.get(place);
    const why = keep ?? byPolicy ?? whyLost(meta, crdCreated, object !== undefined) ?? whyKept(object);
    if (why !== undefined) kept.push({ key, kind, name, place, why });
    else
      removals.push({
        action: 'delete',
        reason: object === undefined ? 'object-gone' : 'renamed',
        key,
        kind,
        name,
        place,
        index,
        after: object?.state.kind === 'pending' ? object.entry?.key : undefined,
      });
  }
  return { removals, kept };
}

/** Whether its object was deleted, and not removed with an earlier CRD. Both times come from the API server. */
function whyLost(
  { [CREATED_META]: created }: Meta,
  crdCreated: string | undefined,
  isRenamed: boolean,
): string | undefined {
  if (crdCreated === undefined) return undefined;
  if (created !== undefined) return created < crdCreated ? LOST : undefined;
  // An earlier version wrote it. An object that names another entry now was not deleted.
  return isRenamed ? undefined : UNDATED;
}

/** The object still exists and names another entry now: its old entry is removed once the new one is in order. */
function whyKept(object: PlannedObject | undefined): string | undefined {
  if (object === undefined) return undefined;
  const { state } = object;
  if (state.kind === 'pending' || state.kind === 'synced' || state.kind === 'elsewhere') return undefined;
  if (state.kind === 'failed' && state.reason === 'NameTaken') return undefined;
  return state.kind === 'failed' && state.reason === 'NamespaceNotAllowed'
    ? 'its object is in a namespace that is not allowed any more; delete the object to remove the entry'
    : 'its object names another entry now, which is not in Consul yet';
}

const LOST =
  'its object was removed with an earlier CRD; apply the object again, or delete the entry in Consul (consul config delete)';

const UNDATED =
  'an earlier version wrote it, so it is not known whether its object was deleted or removed with an earlier CRD; apply the object again, or delete the entry in Consul (consul config delete)';

function unknown({ trouble }: KindView): EntryState {
  return { kind: 'unknown', message: trouble ?? 'the entries of this kind are not known yet' };
}

function nameTaken(holder: EntryObject): EntryState {
  const message = `the object ${quote(objectPlace(holder))} had this entry first; several objects are not merged, so delete one of them or give it another name`;
  return { kind: 'failed', reason: 'NameTaken', message };
}

function notAllowed({ namespace }: EntryObject): EntryState {
  const message = `objects in the namespace ${quote(namespace)} have no effect; --config-entries-namespaces names those that have one`;
  return { kind: 'failed', reason: 'NamespaceNotAllowed', message };
}
