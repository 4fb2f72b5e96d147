/** What stands in a table that only the leader can fill, while it has no row. */
import { markup, type Markup } from './markup.ts';

const ASK_LEADER = markup`Another replica is the leader, and only the leader knows. To see which one, run <code>kubectl get lease tandem-sync</code> in Tandem's namespace.`;
const NOT_YET = markup`Nothing is known yet: the first comparison is not done.`;

/** @param none what to say when there is nothing to show */
export function emptyTable(isLeader: boolean, lastSuccess: string | undefined, none: Markup): Markup {
  if (!isLeader) return ASK_LEADER;
  return lastSuccess === undefined ? NOT_YET : none;
}
