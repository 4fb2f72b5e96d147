/** Of who sends no token, Consul hides what it may not see, and does not say so in its answers: its rights have to be asked for. */
import { authorize, type AskedRight } from './authorize.ts';
import type { ConsulCalls } from './client.ts';

/** @param missing what was there before: a rule may hide this only */
export type RightsToAll = (missing: readonly AskedRight[]) => Promise<boolean>;

type Call = {
  readonly asked: AskedRight[];
  readonly rights: Promise<readonly boolean[] | 'acls-off'>;
};

export function rightToRead(Resource: 'service' | 'node', Segment: string): AskedRight {
  return { Resource, Access: 'read', Segment };
}

// Only a rule for a prefix of nothing holds for a name of nothing.
const ALL = [rightToRead('service', ''), rightToRead('node', '')];

/**
 * Answers whether all services and nodes may be read, by a call that begins after the question: so the answer holds for what
 * was read before. One call runs at a time, and the next one serves all who ask meanwhile.
 *
 * @param ending the signal that ends a call; not that of a caller, because a call serves several
 */
export function rightsToAll(client: ConsulCalls, ending: () => AbortSignal | undefined): RightsToAll {
  let running: Promise<unknown> = Promise.resolve();
  let next: Call | undefined;

  function following(): Call {
    const asked = [...ALL];
    const rights = running.then(() => {
      next = undefined;
      const call = authorize(client, asked, ending());
      running = call.catch(() => undefined);
      return call;
    });
    return { asked, rights };
  }

  return async (missing) => {
    next ??= following();
    const { asked, rights } = next;
    const from = asked.length;
    for (const each of missing) asked.push(each);
    const found = await rights;
    if (found === 'acls-off') return true;
    return [...found.slice(0, ALL.length), ...found.slice(from, from + missing.length)].every(Boolean);
  };
}
