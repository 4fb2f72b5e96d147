/** Listeners for changes. */
type Listeners<Event extends readonly unknown[]> = {
  readonly tell: (...event: Event) => void;
  /** The returned function removes the listener. */
  readonly onChange: (listener: (...event: Event) => void) => () => void;
};

export function createListeners<Event extends readonly unknown[]>(): Listeners<Event> {
  const listeners = new Set<(...event: Event) => void>();
  return {
    tell: (...event) => {
      for (const listener of listeners) listener(...event);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
