/** One object and the entry of its name: what is to be written, or why nothing is. */
import type { JsonObject } from '../../support/json.ts';
import { firstOf } from '../../support/listed.ts';
import { quote } from '../../support/text.ts';
import { entryDifferences, type EntryDifference } from './entry-differences.ts';
import { entryHolder, isSameMeta, ownMeta, type EntryHolder, type ObservedEntry } from './entry-holder.ts';
import type { EntryObject } from './entry-object.ts';
import type { FailedState, SettledState } from './entry-state.ts';
import { heldEntryId, isInStep } from './entry-status.ts';
import type { EntryKind } from './entry-table.ts';
import { toConsulEntry } from './to-consul-entry.ts';
import { validateEntry } from './validate-entry.ts';

type EntryPolicy = 'sync' | 'upsert-only' | 'create-only';

export type EntrySettings = {
  /** Of this cluster. */
  readonly owner: string;
  readonly datacenter: string;
  /** Entries that consul-k8s wrote for this datacenter are taken over. */
  readonly adopt: boolean;
  readonly policy: EntryPolicy;
  /** `*` is all of them. */
  readonly allowNamespaces: readonly string[];
};

type WriteReason =
  /** No such entry. */
  | 'missing'
  /** The object says something else than before. */
  | 'changed'
  /** The object is as it was when both sides agreed, and the entry is not: somebody edited or removed it. */
  | 'drift'
  /** consul-k8s wrote it. */
  | 'adopted'
  /** The object has the annotation migrate-entry. */
  | 'migrated'
  /** The object has the annotation overwrite. */
  | 'overwritten';

export type EntryWrite = Desired & {
  readonly action: 'create' | 'update';
  readonly reason: WriteReason;
  /** With our meta. */
  readonly entry: JsonObject;
  /** 0: there must be none. */
  readonly index: number;
  readonly differences: readonly EntryDifference[];
  /** What Consul takes although it cannot work. */
  readonly notes: readonly string[];
};

type Desired = {
  /** Of the entry, as in `entryKey`. */
  readonly key: string;
  readonly kind: EntryKind;
  readonly name: string;
  readonly object: EntryObject;
  /** Another entry was made from the object. Its status describes that one, because an annotation does not outdate a status. */
  readonly isRenamed: boolean;
};

/** What is remembered of an entry, by its key, beside what both sides report. */
export type EntryRecall = {
  /** Whether Consul accepted exactly this entry at this index but returns it differently: writing it again would change nothing. */
  readonly isAccepted: (key: string, entry: JsonObject, index: number) => boolean;
  /** The entry when it was last ours, and the object that it was made from: `<namespace>/<name>`. */
  readonly held: (key: string) => HeldEntry | undefined;
};

export type HeldEntry = { readonly id: string; readonly place: string };

export const NO_RECALL: EntryRecall = { isAccepted: () => false, held: () => undefined };

type Decision =
  | { readonly state: SettledState }
  | { readonly state: { readonly kind: 'pending' }; readonly write: EntryWrite };

const MIGRATE = 'consul.hashicorp.com/migrate-entry';
const OVERWRITE = 'tandem/overwrite';

/**
 * | holder                         | same content                       | other content                              |
 * | ------------------------------ | ---------------------------------- | ------------------------------------------ |
 * | no entry                       |                                    | create                                     |
 * | ours                           | nothing                            | update                                     |
 * | another owner                  | elsewhere                          | held                                       |
 * | consul-k8s, this datacenter    | update: our meta                   | update with `adopt`, else held             |
 * | consul-k8s, another datacenter | elsewhere                          | held                                       |
 * | nobody, and this one was ours  | update: our meta                   | update: an edit by hand drops the meta     |
 * | nobody, and not told which one | unknown                            | unknown                                    |
 * | anything else                  | elsewhere; `migrate-entry`: update | held; `migrate-entry`: migration failed;   |
 * |                                |                                    | `overwrite`: update                        |
 */
export function decideEntry(
  desired: Desired,
  observed: ObservedEntry | undefined,
  settings: EntrySettings,
  recall: EntryRecall,
): Decision {
  const { key, kind, object, isRenamed } = desired;
  const isKnown = !isRenamed && isInStep(object);
  const problem = refusalOf(kind, object);
  if (problem !== undefined) return { state: problem };
  const meta = ownMeta(settings, object);
  const entry = { ...sentEntry(kind, object), Meta: meta };
  const write = (
    action: EntryWrite['action'],
    reason: WriteReason,
    differences: readonly EntryDifference[],
  ): Decision => {
    if (action === 'update' && settings.policy === 'create-only')
      return {
        state: failed(
          'ExternallyManagedConfigError',
          `--config-entries-policy=create-only leaves ${subject(desired)} as it is${differingAt(differences)}`,
        ),
      };
    const planned = { action, reason, entry, index: observed?.index ?? 0, differences };
    return {
      state: { kind: 'pending' },
      write: { ...desired, ...planned, notes: notesOf(kind, object) },
    };
  };
  if (observed === undefined) return write('create', isKnown ? 'drift' : 'missing', []);

  const differences = differencesOf(kind, object, observed.entry);
  const isSame = differences.length === 0;
  const holder = entryHolder(observed.meta, settings);
  switch (holder.kind) {
    case 'ours':
      // Under create-only no update may bring the meta up to date, and nothing else is wrong.
      if (
        (isSame && (settings.policy === 'create-only' || isSameMeta(meta, observed.meta))) ||
        recall.isAccepted(key, entry, observed.index)
      )
        return { state: { kind: 'synced', notes: notesOf(kind, object), entryId: observed.id } };
      return write('update', isKnown ? 'drift' : 'changed', differences);
    case 'other-owner':
      return { state: isSame ? elsewhere(desired, holder) : held(desired, holder, differences) };
    case 'consul-k8s':
      if (!holder.isOwnDatacenter)
        return { state: isSame ? elsewhere(desired, holder) : held(desired, holder, differences) };
      return isSame || settings.adopt
        ? write('update', 'adopted', differences)
        : { state: held(desired, holder, differences) };
    case 'unmanaged':
      // `consul config write` of a file without meta drops the owner, and keeps the entry's id.
      if (holder.source === '' && wasOurs(desired, observed, recall))
        return write('update', isKnown ? 'drift' : 'changed', differences);
      if (hasAnnotation(object, OVERWRITE)) return write('update', 'overwritten', differences);
      if (holder.source === '' && isUntold(desired, observed, recall))
        return { state: { kind: 'unknown', message: `${subject(desired)} ${UNTOLD}` } };
      if (!hasAnnotation(object, MIGRATE))
        return { state: isSame ? elsewhere(desired, holder) : held(desired, holder, differences) };
      return isSame ? write('update', 'migrated', []) : { state: migrationFailed(desired, differences) };
  }
}

/** The condition of an object cannot tell this: it may be about another Consul, or from before this one was reset. */
function wasOurs({ key, object }: Desired, { id }: ObservedEntry, recall: EntryRecall): boolean {
  return id !== undefined && (id === recall.held(key)?.id || id === heldEntryId(object));
}

const UNTOLD =
  'has no meta any more, and Consul does not tell its trust domain (GET /v1/connect/ca/roots), so it is not known whether it is the same';

/** The object had an entry, and whether it is this one is unknown now. Calling it somebody else's would lose that fact. */
function isUntold({ key, object }: Desired, { id }: ObservedEntry, recall: EntryRecall): boolean {
  return id === undefined && (recall.held(key)?.id ?? heldEntryId(object)) !== undefined;
}

// Each pass decides about every object. An object of a megabyte takes half a second, and blocks the whole process for that time.
const problemsOf = oncePerObject(validateEntry);
const sentEntry = oncePerObject(toConsulEntry);
const compared = new WeakMap<
  EntryObject,
  { readonly observed: JsonObject; readonly differences: readonly EntryDifference[] }
>();

/** An object that is read again is a new value, and its kind never changes. */
function oncePerObject<T>(
  work: (kind: EntryKind, object: EntryObject) => T,
): (kind: EntryKind, object: EntryObject) => T {
  const known = new WeakMap<EntryObject, { readonly result: T }>();
  return (kind, object) => {
    const found = known.get(object) ?? { result: work(kind, object) };
    known.set(object, found);
    return found.result;
  };
}

function differencesOf(
  kind: EntryKind,
  object: EntryObject,
  observed: JsonObject,
): readonly EntryDifference[] {
  const known = compared.get(object);
  if (known?.observed === observed) return known.differences;
  const differences = entryDifferences(kind, sentEntry(kind, object), observed);
  compared.set(object, { observed, differences });
  return differences;
}

/** Consul refuses it too, so it is not sent; undefined when it may be sent. */
export function refusalOf(kind: EntryKind, object: EntryObject): FailedState | undefined {
  const refused = problemsOf(kind, object).filter(({ level }) => level === 'refused');
  if (refused.length === 0) return undefined;
  const isUnsupported = refused.every(({ reason }) => reason === 'UnsupportedByConsul');
  return failed(
    isUnsupported ? 'UnsupportedByConsul' : 'InvalidSpec',
    refused.map(({ path, message }) => `${path}: ${message}`).join('; '),
  );
}

/** What Consul takes although it cannot work. */
function notesOf(kind: EntryKind, object: EntryObject): readonly string[] {
  return problemsOf(kind, object)
    .filter(({ level }) => level === 'denied')
    .map(({ path, message }) => `${path}: ${message}`);
}

function hasAnnotation({ annotations }: EntryObject, name: string): boolean {
  return annotations.get(name) === 'true';
}

function failed(reason: FailedState['reason'], message: string): FailedState {
  return { kind: 'failed', reason, message };
}

function subject({ kind, name }: Desired): string {
  return `the ${kind.entryKind} ${quote(name)} in Consul`;
}

type OtherHolder = Exclude<EntryHolder, { kind: 'ours' }>;

/** Of an entry that is not ours: what follows its name in a sentence. */
export function whose(holder: OtherHolder): string {
  switch (holder.kind) {
    case 'other-owner':
      return `belongs to the cluster ${quote(holder.owner)}, made there from ${quote(holder.object)}`;
    case 'consul-k8s':
      return `was written by consul-k8s for the datacenter ${quote(holder.datacenter)}`;
    case 'unmanaged':
      return holder.source === ''
        ? 'was not made from a Kubernetes object'
        : `was made by ${quote(holder.source)}`;
  }
}

function elsewhere(desired: Desired, holder: OtherHolder): SettledState {
  const message = `${subject(desired)} says the same and ${whose(holder)}; Tandem never changes or deletes it`;
  return { kind: 'elsewhere', message };
}

function held(desired: Desired, holder: OtherHolder, differences: readonly EntryDifference[]): FailedState {
  return failed(
    'ExternallyManagedConfigError',
    `${subject(desired)} ${whose(holder)}${differingAt(differences)}; ${wayOut(holder)}`,
  );
}

function wayOut(holder: OtherHolder): string {
  if (holder.kind === 'unmanaged')
    return `make the object equal and annotate it ${MIGRATE}: "true" to take the entry over, or annotate it ${OVERWRITE}: "true" to replace the entry`;
  return holder.kind === 'consul-k8s' && holder.isOwnDatacenter
    ? '--config-entries-adopt takes it over'
    : 'delete one of the two objects, or make them equal';
}

function migrationFailed(desired: Desired, differences: readonly EntryDifference[]): FailedState {
  return failed(
    'MigrationFailedError',
    `${subject(desired)} is not taken over, because it differs: ${differencesText(differences)}`,
  );
}

function differingAt(differences: readonly EntryDifference[]): string {
  return differences.length === 0 ? '' : ` and differs: ${differencesText(differences)}`;
}

// A condition's message is shown whole. Nobody reads more than this, and the API server accepts 32 KiB.
const SHOWN = 10;

function differencesText(differences: readonly EntryDifference[]): string {
  return firstOf(differences, SHOWN, differenceText, (left) => `and ${left} more`).join('; ');
}

/** In words, with both values of a plain field that is no secret. */
export function differenceText({ path, desired, observed, isShown }: EntryDifference): string {
  if (isShown) return `${path} is ${valueText(observed)} in Consul, ${valueText(desired)} here`;
  if (observed === undefined) return `${path} is absent in Consul`;
  return desired === undefined ? `${path} is absent here` : `${path} differs in Consul`;
}

function valueText(value: unknown): string {
  if (value === undefined) return 'absent';
  // The other side may have anything here.
  if (typeof value === 'object') return 'something else';
  return typeof value === 'string' ? quote(value) : JSON.stringify(value);
}
