/** The one place that changes: the catalog of now, and who waits for the next one. */
import type { Catalog } from './catalog.ts';

export type Store = {
  readonly current: () => Catalog;
  readonly replace: (next: Catalog) => void;
  /** Resolves when the index is above this one, after so many milliseconds, or when the signal aborts. */
  readonly changed: (index: number, milliseconds: number, signal: AbortSignal) => Promise<void>;
};

export function createStore(initial: Catalog): Store {
  let catalog = initial;
  const waiting = new Set<() => void>();
  return {
    current: () => catalog,
    replace: (next) => {
      const isNew = next.index !== catalog.index;
      catalog = next;
      if (isNew) for (const notify of waiting) notify();
    },
    changed: (index, milliseconds, signal) => {
      if (catalog.index > index || signal.aborted) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const notify = (): void => {
        if (catalog.index > index) resolve();
      };
      const timer = setTimeout(resolve, milliseconds);
      const stop = (): void => resolve();
      waiting.add(notify);
      signal.addEventListener('abort', stop, { once: true });
      return promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(notify);
        signal.removeEventListener('abort', stop);
      });
    },
  };
}
