/** Tells whoever listens that something is different now, and not what. */

export type ChangeSignal = {
  readonly changed: () => void;
  /** Until the function that it gives is called. */
  readonly onChange: (listener: () => void) => () => void;
};

export function changeSignal(): ChangeSignal {
  const listeners = new Set<() => void>();
  return {
    changed: () => {
      for (const listener of listeners) listener();
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
