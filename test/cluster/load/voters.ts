/** How many of the Consul servers vote while something happens to them. */
import { at } from '../../real/harness/chart.ts';
import type { Ask } from './catalog.ts';
import { meanwhile } from './meanwhile.ts';

const POLL_MILLISECONDS = 500;

/** The names of those that vote, by the leader. Rejects while there is none. */
export async function voters(consul: Ask): Promise<readonly string[]> {
  const servers = at(await consul('/v1/operator/raft/configuration'), 'Servers') as readonly object[];
  return servers.filter((each) => at(each, 'Voter') === true).map((each) => String(at(each, 'Node')));
}

/** The fewest that were seen while the action lasted. A read that fails says nothing. */
export async function fewestVotersDuring(consul: Ask, action: () => Promise<unknown>): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  const look = async (): Promise<void> => {
    const count = await voters(consul).then(
      (found) => found.length,
      () => fewest,
    );
    fewest = Math.min(fewest, count);
  };
  await meanwhile(look, POLL_MILLISECONDS, action);
  return fewest;
}
