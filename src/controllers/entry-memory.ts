/** What a term knows of config entries beside the two sides: what Consul refused, what it took otherwise, what must not go. */
import type { IsAccepted } from '../catalog/config-entries/decide-entry.ts';
import type { JsonObject } from '../support/json.ts';
import { earliest } from '../support/earliest.ts';

export type EntryMemory = {
  readonly isAccepted: IsAccepted;
  readonly accepted: (key: string, entry: JsonObject, index: number) => void;
  /** An object or an entry of any kind is another: what was refused may be accepted now. */
  readonly changed: () => void;
  readonly refused: (key: string, reason: string) => void;
  /** Consul's text, while nothing has changed and it is not time to try again. */
  readonly refusalOf: (key: string) => string | undefined;
  readonly retryDue: () => number | undefined;
  /**
   * Forgets what Consul said of all others. A refusal of what nobody wants to change any more would be due for ever.
   *
   * @param named entries that an object names
   * @param changing those that are to be written or removed
   */
  readonly retain: (named: ReadonlySet<string>, changing: ReadonlySet<string>) => void;
  /** The CRD of these went, and their objects with it: nobody has deleted those. */
  readonly lostWithCrd: (keys: Iterable<string>) => void;
  readonly isLostWithCrd: (key: string) => boolean;
  /** The object is there again. */
  readonly found: (key: string) => void;
};

// What is refused depends on other entries, whose changes are seen; a minute covers what is not.
const RETRY = 60_000;

export function createEntryMemory(elapsed: () => number): EntryMemory {
  const accepted = new Map<string, { readonly text: string; readonly index: number }>();
  const refusals = new Map<
    string,
    { readonly reason: string; readonly revision: number; readonly until: number }
  >();
  const lost = new Set<string>();
  let revision = 0;
  return {
    isAccepted: (key, entry, index) => {
      const known = accepted.get(key);
      return known?.index === index && known.text === JSON.stringify(entry);
    },
    accepted: (key, entry, index) => void accepted.set(key, { text: JSON.stringify(entry), index }),
    changed: () => {
      revision += 1;
    },
    refused: (key, reason) => void refusals.set(key, { reason, revision, until: elapsed() + RETRY }),
    refusalOf: (key) => {
      const known = refusals.get(key);
      if (known === undefined) return undefined;
      if (known.revision === revision && elapsed() < known.until) return known.reason;
      refusals.delete(key);
      return undefined;
    },
    retryDue: () => earliest([...refusals.values()].map(({ until }) => until)),
    retain: (named, changing) => {
      for (const key of accepted.keys()) if (!named.has(key)) accepted.delete(key);
      for (const key of refusals.keys()) if (!changing.has(key)) refusals.delete(key);
    },
    lostWithCrd: (keys) => {
      for (const key of keys) lost.add(key);
    },
    isLostWithCrd: (key) => lost.has(key),
    found: (key) => void lost.delete(key),
  };
}
