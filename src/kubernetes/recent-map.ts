/** A map of bounded size: what was not set for longest is forgotten first. */

export type RecentMap<V> = {
  readonly get: (key: string) => V | undefined;
  readonly set: (key: string, value: V) => void;
};

/** @param onForgotten called with what had to make room */
export function recentMap<V>(limit: number, onForgotten: (key: string) => void): RecentMap<V> {
  // A Map keeps the order of insertion, so its first key is the one that was not set for longest.
  const held = new Map<string, V>();
  return {
    get: (key) => held.get(key),
    set: (key, value) => {
      held.delete(key);
      held.set(key, value);
      const [oldest] = held.keys();
      if (held.size <= limit || oldest === undefined) return;
      held.delete(oldest);
      onForgotten(oldest);
    },
  };
}
