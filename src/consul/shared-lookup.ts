/**
 * Looks up servers by name. Node.js asks the DNS in one of four threads, and a query that nobody answers holds its
 * thread for ten seconds: if one of two DNS servers is lost, connections to all servers would wait behind such queries.
 */
import type { LookupAddress, LookupAllOptions, LookupOptions } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';

type Resolve = (hostname: string, options: LookupAllOptions) => Promise<readonly LookupAddress[]>;

type Asked = { readonly answer: Promise<readonly LookupAddress[]>; answeredAt: number | undefined };

// An answer may come when the connection that asked has given up after a second; its next attempt follows within two.
const FRESH_MILLISECONDS = 2000;

/** One query for a name at a time; its answer serves everybody who asks meanwhile, and for two seconds. */
export function sharedLookup(
  resolve: Resolve = lookup,
  now: () => number = () => performance.now(),
): LookupFunction {
  const asked = new Map<string, Asked>();

  function ask(hostname: string, options: LookupOptions): Promise<readonly LookupAddress[]> {
    const key = JSON.stringify([hostname, options]);
    const known = asked.get(key);
    const isFresh = known?.answeredAt === undefined || now() < known.answeredAt + FRESH_MILLISECONDS;
    if (known !== undefined && isFresh) return known.answer;
    const answer = resolve(hostname, { ...options, all: true });
    const entry: Asked = { answer, answeredAt: undefined };
    asked.set(key, entry);
    void answer.then(
      () => (entry.answeredAt = now()),
      () => asked.delete(key),
    );
    return answer;
  }

  const askAndCall = callbackify(ask);
  return (hostname, { all, ...options }, callback) => {
    askAndCall(hostname, options, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || all === true) callback(error, [...(addresses ?? [])]);
      else callback(null, first?.address ?? '', first?.family);
    });
  };
}
