/** What a pure function has made before, for keys of which strangers decide how many there are. */

// At most a kilobyte of key, and thirty of what is made of it with its JSON: three megabytes for a hundred. A cluster has a
// handful of kinds of pods.
const MOST = 100;
const LONGEST_KEY = 1000;

/**
 * @param prepare what else is done with what is kept: not for a long key, with which it would be done each time
 * @returns what `make` made for an equal key and the same owner, or makes now; it is kept for as long as its owner
 */
export function keptBy<T>(prepare?: (made: T) => T): (owner: object, key: string, make: () => T) => T {
  const ofOwners = new WeakMap<object, Map<string, T>>();
  return (owner, key, make) => {
    let kept = ofOwners.get(owner);
    if (kept === undefined) ofOwners.set(owner, (kept = new Map()));
    const found = kept.get(key);
    if (found !== undefined) return found;
    if (key.length > LONGEST_KEY) return make();
    const made = prepare === undefined ? make() : prepare(make());
    // Whoever asks for many costs the others no more than to be made again.
    if (kept.size === MOST) kept.clear();
    kept.set(key, made);
    return made;
  };
}
