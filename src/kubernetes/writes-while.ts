/** A client that only reads, except while this replica leads. */
import { notLeading, type ApiClient } from './api-client.ts';

type Requests = Pick<ApiClient, 'request'>;

/**
 * @param mayWrite asked for each request that is no GET: a process that was stopped for a while has not had its timers yet
 * @throws TandemError TANDEM_NOT_LEADING from such a request when it may not
 */
export function writesWhile<T extends Requests>(client: T, mayWrite: () => boolean): T {
  const request: Requests['request'] = (method, path, ...more) =>
    method === 'GET' || mayWrite()
      ? client.request(method, path, ...more)
      : Promise.reject(notLeading(method, path));
  return { ...client, request };
}
