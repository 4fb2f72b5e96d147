/** Why an entry is in Consul as it is, or is not: the answer of `tandem explain config-entry`, as data. */
import { indexed } from '../../model/instance.ts';
import { isObject } from '../../support/json.ts';
import { differenceText, type EntrySettings } from './decide-entry.ts';
import { entryDifferences } from './entry-differences.ts';
import { entryHolder, objectPlace, type EntryHolder, type ObservedEntry } from './entry-holder.ts';
import { ENTRY_KINDS } from './entry-kinds.ts';
import type { EntryObject } from './entry-object.ts';
import { fieldPath } from './entry-path.ts';
import { entryKey, type EntryPlan, type KindView, type PlannedObject } from './entry-plan.ts';
import { entryReasons, type EntryReason } from './entry-state.ts';
import { conditionAfter, syncedCondition, type Condition } from './entry-status.ts';
import { toConsulEntry } from './to-consul-entry.ts';
import { validateEntry } from './validate-entry.ts';

export type EntryExplanation = {
  readonly object: string;
  /** What the next reconcile finds. */
  readonly state: EntryReason | 'pending';
  readonly message: string;
  /** Undefined when the object names no entry. */
  readonly entry: string | undefined;
  /** Undefined when there is no such entry in Consul, or when it is not known. */
  readonly holder: EntryHolder | undefined;
  /** What would be written, and why. */
  readonly change: { readonly action: string; readonly reason: string } | undefined;
  readonly differences: readonly string[];
  readonly problems: readonly string[];
  /** Kinds that are written before this one, in order. */
  readonly after: readonly string[];
  /** What the object says of itself, which has Consul's last answer; undefined while it says nothing. */
  readonly condition: Condition | undefined;
  /** Other objects that mention the name of the entry, each with the path. */
  readonly mentioned: readonly string[];
};

type World = {
  readonly plan: EntryPlan;
  readonly views: readonly KindView[];
  readonly settings: EntrySettings;
};

/** @returns undefined when there is no such object */
export function explainEntry(
  kindName: string,
  place: string,
  { plan, views, settings }: World,
): EntryExplanation | undefined {
  const planned = plan.objects.find(
    ({ kind, object }) => kind.kind === kindName && objectPlace(object) === place,
  );
  if (planned === undefined) return undefined;
  const { kind, object, entry } = planned;
  const observed = observedOf(views, planned);
  const write = plan.writes.find((each) => each.object === object);
  return {
    object: `${kind.kind}/${place}`,
    ...stateOf(planned),
    entry: entry && `${kind.entryKind} ${entry.name}`,
    holder: observed && entryHolder(observed.meta, settings),
    change: write && { action: write.action, reason: write.reason },
    differences:
      observed === undefined
        ? []
        : entryDifferences(kind, toConsulEntry(kind, object), observed.entry).map(differenceText),
    problems: validateEntry(kind, object).map(({ level, path, message }) => `${level}: ${path}: ${message}`),
    after: ENTRY_KINDS.slice(0, ENTRY_KINDS.indexOf(kind))
      .filter(({ enterprise }) => !enterprise)
      .map(({ entryKind }) => entryKind),
    condition: syncedCondition(object.status),
    mentioned: entry === undefined ? [] : mentionsOf(entry.name, object, views),
  };
}

function stateOf({ state }: PlannedObject): Pick<EntryExplanation, 'state' | 'message'> {
  if (state.kind === 'pending') return { state: 'pending', message: 'the next reconcile writes it' };
  const { reason, message } = conditionAfter(state);
  return { state: reason, message: message || entryReasons[reason] };
}

function observedOf(views: readonly KindView[], { kind, entry }: PlannedObject): ObservedEntry | undefined {
  const view = views.find((each) => each.kind === kind);
  return view?.entries?.find(({ name }) => entryKey(kind, name) === entry?.key);
}

// Nobody reads more.
const MENTIONS = 20;
// The validator accepts nothing deeper.
const DEEPEST = 64;

/** Wherever the name is a value: only Consul's graph knows which fields are references. */
function mentionsOf(name: string, itself: EntryObject, views: readonly KindView[]): readonly string[] {
  const found: string[] = [];
  for (const { kind, objects } of views)
    for (const object of objects) {
      if (object === itself) continue;
      for (const path of pathsOf(name, object.spec, ['spec'])) {
        if (found.length >= MENTIONS) return found;
        found.push(`${kind.kind}/${objectPlace(object)}: ${fieldPath(path)}`);
      }
    }
  return found;
}

function* pathsOf(
  name: string,
  value: unknown,
  path: readonly (string | number)[],
): Generator<readonly (string | number)[]> {
  if (typeof value === 'string') {
    if (indexed(value) === indexed(name)) yield path;
  } else if (path.length < DEEPEST && (Array.isArray(value) || isObject(value)))
    for (const [key, each] of Array.isArray(value) ? value.entries() : Object.entries(value))
      yield* pathsOf(name, each, [...path, key]);
}
