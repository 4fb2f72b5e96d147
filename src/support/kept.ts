/** A cache of a pure function's results; strangers decide how many keys there are. */

// At most a kilobyte of key, and thirty of what is made of it with its JSON: three megabytes for a hundred. A cluster has a
// handful of kinds of pods.
const MOST = 100;
const LONGEST_KEY = 1000;

type Bounds<T> = {
  /** What else is done with what is kept: not for a long key, with which it would be done each time. */
  readonly prepare?: (made: T) => T;
  readonly longestKey?: number;
  /** Whether it is small enough to be kept. */
  readonly fits?: (made: T) => boolean;
};

/** @returns what `make` made for an equal key and the same owner, or makes now; it is kept for as long as its owner */
export function keptBy<T>({
  prepare = (made) => made,
  longestKey = LONGEST_KEY,
  fits = () => true,
}: Bounds<T> = {}): (owner: object, key: string, make: () => T) => T {
  const ofOwners = new WeakMap<object, Map<string, T>>();
  return (owner, key, make) => {
    let kept = ofOwners.get(owner);
    if (kept === undefined) ofOwners.set(owner, (kept = new Map()));
    const found = kept.get(key);
    if (found !== undefined) return found;
    if (key.length > longestKey) return make();
    const made = prepare(make());
    if (!fits(made)) return made;
    // Someone who asks for many keys costs the others no more than computing theirs again.
    if (kept.size === MOST) kept.clear();
    kept.set(key, made);
    return made;
  };
}

// Four times the size of the cache, so that keys among many others are seen again in time.
const MOST_SEEN = 4 * MOST;

/** Whether an owner has asked for a key recently: a result that is asked for once is not worth the room. */
export function seenBefore(longestKey = LONGEST_KEY): (owner: object, key: string) => boolean {
  const ofOwners = new WeakMap<object, Set<string>>();
  return (owner, key) => {
    let seen = ofOwners.get(owner);
    if (seen === undefined) ofOwners.set(owner, (seen = new Set()));
    if (seen.has(key)) return true;
    if (key.length > longestKey) return false;
    if (seen.size === MOST_SEEN) seen.clear();
    seen.add(key);
    return false;
  };
}
