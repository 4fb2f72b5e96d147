/** What a leader remembers of config entries beside the two sides: what Consul refused, and what it stored differently. */
import type { EntryRecall, HeldEntry } from '../catalog/config-entries/decide-entry.ts';
import { objectPlace } from '../catalog/config-entries/entry-holder.ts';
import type { EntryChange } from '../catalog/config-entries/entry-plan.ts';
import type { EntryObject } from '../catalog/config-entries/entry-object.ts';
import type { JsonObject } from '../support/json.ts';
import { fewFirst } from '../reconcile/few-first.ts';
import { SMALL_CALLS } from '../reconcile/in-parallel.ts';
import { earliest } from '../support/earliest.ts';

export type EntryMemory = EntryRecall & {
  readonly holds: (key: string, entry: HeldEntry) => void;
  /** It is somebody else's now. @param place of an object that no longer has it; what another object holds stays */
  readonly lost: (key: string, place: string) => void;
  /**
   * An entry that was written reads back differently. Either Consul changed it, or somebody else has written since: if it is
   * written again and still has the same index, it was Consul, and the result is true.
   */
  readonly accepted: (key: string, entry: JsonObject, index: number) => boolean;
  /** An entry of any kind has changed: what was refused may be accepted now. */
  readonly changed: () => void;
  /** The same, by ourselves. If that happens again and again for one object, another program undoes it, and the entry rests. */
  readonly applied: (change: EntryChange) => void;
  /** @param isContended another program writes the entry all the time: what it does is no reason to try again */
  readonly refused: (change: EntryChange, reason: string, isContended?: boolean) => void;
  /** Consul's text about this very change. */
  readonly refusalOf: (key: string, change: RefusedChange) => string | undefined;
  /**
   * Changes that Consul has refused and that are tried again now, without those that have changed themselves. The namespace with
   * the fewest comes first, and in it those whose last try was longest ago.
   */
  readonly again: (refused: readonly EntryChange[]) => readonly EntryChange[];
  /** When there is something to try again. */
  readonly retryDue: () => number | undefined;
  /**
   * Forgets what Consul said of all others. A refused change that nobody wants now is not due, but it counts again when the
   * same change is wanted within a minute: another program may write the entry to and fro.
   *
   * @param named entries that an object names
   * @param changing those that are to be written or removed
   */
  readonly retain: (named: ReadonlySet<string>, changing: ReadonlySet<string>) => void;
};

/** A removal, or what is written for an object. */
type RefusedChange = Pick<EntryObject, 'uid' | 'generation'> | 'removal';

type Refusal = {
  readonly of: string;
  readonly reason: string;
  readonly revision: number;
  readonly at: number;
  /** Milliseconds until it may be tried again although it is contended. */
  readonly contended: number | undefined;
};

// Milliseconds. What is refused depends on other entries, whose changes are seen; a minute covers what is not.
const RETRY = 60_000;

// Every write that Consul refuses passes through its log like one that it accepts, about 250 a second on two cores. A stranger's
// refused ones may take a sixteenth of that: two rounds of small calls, once a second.
const ASKED_AT_ONCE = 2 * SMALL_CALLS;
const BETWEEN = 1000;

// Within a minute. Whoever edits an entry by hand is slower, and sees each edit undone at once.
const MOST_APPLIED = 10;

export const CONTENDED =
  'somebody else changed the entry each time that it was written; stop the other program, or delete the object';

type Applied = { readonly of: string; readonly since: number; readonly times: number };

type Accepted = { readonly text: string; readonly index: number; readonly isSure: boolean };

export function createEntryMemory(elapsed: () => number): EntryMemory {
  const accepted = new Map<string, Accepted>();
  const held = new Map<string, HeldEntry>();
  const refusals = new Map<string, Refusal>();
  const applied = new Map<string, Applied>();
  let revision = 0;
  let restUntil = -Infinity;
  let wanted: ReadonlySet<string> = new Set();
  const dueAt = ({ contended, at, ...refusal }: Refusal): number => {
    if (contended !== undefined) return at + contended;
    return Math.max(restUntil, refusal.revision === revision ? at + RETRY : -Infinity);
  };
  const refuse = (change: EntryChange, reason: string, isContended = false): void => {
    const of = identity(refusedChange(change));
    const known = refusals.get(change.key);
    const before = known?.of === of ? known : undefined;
    if (before !== undefined && !isContended) restUntil = elapsed() + BETWEEN;
    const contended = isContended ? Math.min(2 * (before?.contended ?? BETWEEN / 2), RETRY) : undefined;
    refusals.set(change.key, { of, reason, revision, at: elapsed(), contended });
  };
  return {
    isAccepted: (key, entry, index) => {
      const known = accepted.get(key);
      return known?.isSure === true && known.index === index && known.text === JSON.stringify(entry);
    },
    held: (key) => held.get(key),
    holds: (key, entry) => void held.set(key, entry),
    lost: (key, place) => {
      if (held.get(key)?.place === place) held.delete(key);
    },
    accepted: (key, entry, index) => {
      const text = JSON.stringify(entry);
      const known = accepted.get(key);
      const isSure = known?.index === index && known.text === text;
      accepted.set(key, { text, index, isSure });
      return isSure;
    },
    changed: () => {
      revision += 1;
    },
    applied: (change) => {
      revision += 1;
      const of = identity(refusedChange(change));
      const known = applied.get(change.key);
      const before = known?.of === of && elapsed() - known.since < RETRY ? known : undefined;
      const { since, times } = before ?? { since: elapsed(), times: 0 };
      applied.set(change.key, { of, since, times: times + 1 });
      if (times >= MOST_APPLIED) refuse(change, CONTENDED, true);
    },
    refused: refuse,
    refusalOf: (key, change) => {
      const known = refusals.get(key);
      return known?.of === identity(change) ? known.reason : undefined;
    },
    again: (refused) => {
      const atOf = ({ key }: EntryChange): number => refusals.get(key)?.at ?? -Infinity;
      const due = refused.filter(({ key }) => {
        const known = refusals.get(key);
        return known === undefined || dueAt(known) <= elapsed();
      });
      const oldestFirst = due.toSorted((left, right) => atOf(left) - atOf(right));
      return fewFirst(oldestFirst, namespaceOfChange).slice(0, ASKED_AT_ONCE);
    },
    retryDue: () => earliest([...refusals].flatMap(([key, each]) => (wanted.has(key) ? dueAt(each) : []))),
    retain: (named, changing) => {
      for (const known of [accepted, held])
        for (const key of known.keys()) if (!named.has(key)) known.delete(key);
      wanted = changing;
      for (const [key, { at }] of refusals)
        if (!changing.has(key) && at + RETRY <= elapsed()) refusals.delete(key);
      for (const [key, { since }] of applied) if (since + RETRY <= elapsed()) applied.delete(key);
    },
  };
}

export function refusedChange(change: EntryChange): RefusedChange {
  return change.action === 'delete' ? 'removal' : change.object;
}

function identity(change: RefusedChange): string {
  return change === 'removal' ? change : `${change.uid}/${change.generation}`;
}

export function namespaceOfChange(change: EntryChange): string {
  const place = change.action === 'delete' ? change.place : objectPlace(change.object);
  return place.slice(0, place.indexOf('/'));
}
