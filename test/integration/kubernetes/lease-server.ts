/** The one Lease of an API server, with its optimistic locking, and faults on the way to it. */
import type { ApiAnswer, ApiClient } from '../../../src/kubernetes/api-client.ts';
import { property, type JsonObject } from '../../../src/support/json.ts';
import { TandemError } from '../../../src/support/errors.ts';

/** What happens to a request; `lost` is done, but its answer never comes. */
export type Way = 'well' | 'refused' | 'lost' | 'hangs';

export type LeaseServer = {
  readonly client: (way: () => Way) => Pick<ApiClient, 'request'>;
  readonly spec: () => JsonObject;
  /** Somebody else writes. */
  readonly edit: (change: (lease: JsonObject) => JsonObject) => void;
};

export function leaseServer(): LeaseServer {
  let lease: JsonObject | undefined;
  let version = 0;
  const store = (object: JsonObject): JsonObject => {
    version += 1;
    lease = {
      ...object,
      metadata: { ...(property(object, 'metadata') as JsonObject), resourceVersion: String(version) },
    };
    return lease;
  };
  const handle = (method: string, body: unknown): ApiAnswer => {
    const answer = (status: number, content: unknown): ApiAnswer => ({
      status,
      body: content,
      weight: 0,
      headers: {},
    });
    const conflict = answer(409, { kind: 'Status', message: 'conflict' });
    if (method === 'POST') return lease === undefined ? answer(201, store(body as JsonObject)) : conflict;
    if (lease === undefined) return answer(404, { kind: 'Status', message: 'not found' });
    if (method === 'GET') return answer(200, lease);
    const sent = property(property(body, 'metadata'), 'resourceVersion');
    return sent === String(version) ? answer(200, store(body as JsonObject)) : conflict;
  };
  const client = (way: () => Way): Pick<ApiClient, 'request'> => ({
    request: async (method, _path, body, signal) => {
      const taken = way();
      const unreachable = new TandemError('TANDEM_KUBERNETES_UNREACHABLE', 'a fault');
      if (taken === 'refused') throw unreachable;
      const answer = taken === 'hangs' ? undefined : handle(method, body);
      if (taken === 'well' && answer !== undefined) return answer;
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(unreachable));
      });
    },
  });
  return {
    client,
    spec: () => property(lease, 'spec') as JsonObject,
    edit: (change) => {
      if (lease !== undefined) store(change(lease));
    },
  };
}
