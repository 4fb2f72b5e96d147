/** Ctrl-C and SIGTERM: what is under way ends, and is tidied, before the process does. */

export type Interruption = {
  readonly signal: AbortSignal;
  /** What to exit with; 0 while nothing has come. */
  readonly code: () => number;
};

// 128 and the number of the signal, as shells have it.
const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * The first signal counts, and later ones change nothing: npm passes on the SIGINT that the terminal has sent to all, and
 * a process that does not listen any more would die in the middle of tidying.
 *
 * @param onFirst called once, for people to read what happens now
 */
export function listenForInterruption(onFirst: () => void): Interruption {
  const ending = new AbortController();
  let code = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (code > 0) return;
      code = CODES[signal];
      onFirst();
      ending.abort();
    });
  return { signal: ending.signal, code: () => code };
}
