/** How many of the Consul servers vote while something happens to them. */
import { setTimeout as delay } from 'node:timers/promises';
import { at } from '../../real/harness/chart.ts';
import type { Ask } from './catalog.ts';

const POLL_MILLISECONDS = 500;

/** The names of those that vote, by the leader. Rejects while there is none. */
export async function voters(consul: Ask): Promise<readonly string[]> {
  const servers = at(await consul('/v1/operator/raft/configuration'), 'Servers') as readonly object[];
  return servers.filter((each) => at(each, 'Voter') === true).map((each) => String(at(each, 'Node')));
}

/** The fewest that were seen while the action lasted. A read that fails says nothing. */
export async function fewestVotersDuring(consul: Ask, action: () => Promise<unknown>): Promise<number> {
  const over = new AbortController();
  let fewest = Number.POSITIVE_INFINITY;
  const watching = (async () => {
    while (!over.signal.aborted) {
      const count = await voters(consul).then(
        (found) => found.length,
        () => fewest,
      );
      fewest = Math.min(fewest, count);
      await delay(POLL_MILLISECONDS);
    }
  })();
  try {
    await action();
  } finally {
    over.abort();
    await watching;
  }
  return fewest;
}
