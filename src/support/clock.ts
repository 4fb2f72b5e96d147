/** Time, passed in so that tests control it. */

export type Clock = {
  /** Milliseconds since the epoch, for what people and other processes read. */
  readonly now: () => number;
  /** Milliseconds that never jump, for spans. */
  readonly elapsed: () => number;
  /** Calls back once, after so many milliseconds, unless the returned function was called before. */
  readonly after: (milliseconds: number, callback: () => void) => () => void;
};

/** Resolves after so many milliseconds, or at once when the signal is aborted; never rejects. */
export function sleep(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(milliseconds, end);
    signal.addEventListener('abort', end);
  });
}
