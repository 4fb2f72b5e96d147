/** The lists that confirm many deletions: they come in time, or nothing is deleted. */
import { aborted } from '../support/aborted.ts';
import { TandemError } from '../support/errors.ts';

// Without an answer by then, it is tried again later.
const REFRESH_MILLISECONDS = 30_000;

/** @throws TandemError TANDEM_KUBERNETES_UNREACHABLE when the lists do not come in time */
export async function withinRefresh(lists: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(REFRESH_MILLISECONDS);
  await Promise.race([lists, aborted(AbortSignal.any([signal, limit]))]);
  if (!limit.aborted) return;
  const text = `the API server returned no second list within ${REFRESH_MILLISECONDS} ms; nothing is removed until it does`;
  throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', text);
}
