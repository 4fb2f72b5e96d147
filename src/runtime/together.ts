/** Several loops under one term. */

/** Resolves when all have ended; when one fails, the others are ended, and its error is thrown. */
export async function together(
  parts: readonly ((term: AbortSignal) => Promise<void>)[],
  term: AbortSignal,
): Promise<void> {
  const ending = new AbortController();
  const signal = AbortSignal.any([term, ending.signal]);
  const results = await Promise.allSettled(
    parts.map((part) =>
      part(signal).catch((error: unknown) => {
        ending.abort();
        throw error;
      }),
    ),
  );
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
