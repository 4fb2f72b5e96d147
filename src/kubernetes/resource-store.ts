/** The objects of one resource by key, from the last list and the events since then. */
import { compareVersions, type ResourceEntry } from './resource-entry.ts';

/** Exactly one of them may be undefined: the object came, or went. */
export type OnChange<T> = (key: string, before: T | undefined, after: T | undefined) => void;

export type ResourceStore<T> = {
  readonly get: (key: string) => T | undefined;
  readonly values: () => Iterable<T>;
  readonly keys: () => Iterable<string>;
  readonly size: () => number;
  /** All there is: what is not among the entries has vanished. Reports what differs by its version. */
  readonly replace: (entries: readonly ResourceEntry<T>[], version: string) => void;
  /** `disordered`: only a new list can tell what is there. */
  readonly apply: (kind: 'changed' | 'deleted', entry: ResourceEntry<T>) => 'applied' | 'disordered';
};

type Held<T> = { readonly version: string; readonly value: T };

export function resourceStore<T>(onChange: OnChange<T>): ResourceStore<T> {
  let held = new Map<string, Held<T>>();
  let newest = '';

  const replace = (entries: readonly ResourceEntry<T>[], version: string): void => {
    const before = held;
    held = new Map();
    newest = version;
    for (const { key, version: of, value } of entries)
      if (value !== undefined) held.set(key, { version: of, value });
    // Reported only now, so that a listener for one object sees the present state of all.
    for (const [key, { version: of, value }] of held) {
      const old = before.get(key);
      if (old?.version !== of) onChange(key, old?.value, value);
    }
    for (const [key, { value }] of before) if (!held.has(key)) onChange(key, value, undefined);
  };

  /**
   * A watch of a healthy server has ascending versions. Where it has not:
   *
   * | held         | event                   |                                       |
   * | ------------ | ----------------------- | ------------------------------------- |
   * | newer        | any                     | late: dropped                         |
   * | same version | changed                 | a duplicate: dropped                  |
   * | same version | deleted                 | applied                               |
   * | older        | any                     | applied                               |
   * | nothing      | deleted                 | dropped                               |
   * | nothing      | changed, newest so far  | applied                               |
   * | nothing      | changed, but not newest | it may be deleted already: disordered |
   */
  const apply = (kind: 'changed' | 'deleted', entry: ResourceEntry<T>): 'applied' | 'disordered' => {
    const { key, version, value } = entry;
    const old = held.get(key);
    const isNewest = order(version, newest) > 0;
    const age = old === undefined ? 1 : order(version, old.version);
    if (age < 0 || (age === 0 && kind === 'changed')) return 'applied';
    if (isNewest) newest = version;
    if (kind === 'deleted' || value === undefined) {
      if (held.delete(key)) onChange(key, old?.value, undefined);
      return 'applied';
    }
    if (old === undefined && !isNewest) return 'disordered';
    held.set(key, { version, value });
    onChange(key, old?.value, value);
    return 'applied';
  };

  return {
    get: (key) => held.get(key)?.value,
    values: function* () {
      for (const { value } of held.values()) yield value;
    },
    keys: () => held.keys(),
    size: () => held.size,
    replace,
    apply,
  };
}

/** Of two versions without a known order the one that comes later counts as newer. */
function order(version: string, other: string): number {
  return compareVersions(version, other) ?? 1;
}
