/** Writes Services and EndpointSlices in one namespace; what changed in the meantime is not written. */
import type { ObjectChange, ObjectKind } from '../catalog/to-kubernetes/object-changes.ts';
import type { ObjectOutcome, ObjectWriter } from '../controllers/to-k8s-ports.ts';
import { asObject, property } from '../support/json.ts';
import type { ApiAnswer, ApiClient } from './api-client.ts';
import { messageOf, requestRefused } from './refused-object.ts';

/** Path of the collection in the namespace. */
export function collectionPath(kind: ObjectKind, namespace: string): string {
  return kind === 'Service'
    ? `/api/v1/namespaces/${namespace}/services`
    : `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
}

/**
 * A merge patch with uid and resourceVersion, and a removal with both as preconditions, answer 409 when the object is
 * a different one by now (Kubernetes, "Resource versions" and DeleteOptions).
 */
export function objectWriter(client: Pick<ApiClient, 'request'>, namespace: string): ObjectWriter {
  const send = (change: ObjectChange, signal: AbortSignal): Promise<ApiAnswer> => {
    const collection = collectionPath(change.kind, namespace);
    const path = `${collection}/${change.name}`;
    switch (change.action) {
      case 'create':
        return client.request('POST', collection, change.object, signal);
      case 'update':
        return client.request('PATCH', path, patchOf(change), signal);
      case 'delete': {
        const preconditions = { uid: change.uid, resourceVersion: change.version };
        return client.request('DELETE', path, { preconditions }, signal);
      }
    }
  };
  return { write: async (change, signal) => outcomeOf(change, await send(change, signal), namespace) };
}

function patchOf({ patch, uid, version }: Extract<ObjectChange, { action: 'update' }>): object {
  const metadata = asObject(property(patch, 'metadata'));
  return { ...patch, metadata: { ...metadata, uid, resourceVersion: version } };
}

/**
 * | status             | meaning                                                   |
 * | ------------------ | --------------------------------------------------------- |
 * | 2xx                | applied                                                   |
 * | 404 of an object   | already gone                                              |
 * | 409                | already exists, or has another version                    |
 * | 400, 413, 422      | only this object is invalid                               |
 * | any other, 404 too | rights, the namespace, or the server: nothing can be done |
 */
function outcomeOf(change: ObjectChange, answer: ApiAnswer, namespace: string): ObjectOutcome {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return { kind: 'applied' };
  if (status === 409 || (status === 404 && change.action !== 'create')) return { kind: 'stale' };
  if (status === 400 || status === 413 || status === 422)
    return { kind: 'refused', reason: messageOf(body) || `status ${status}` };
  throw requestRefused(`cannot ${change.action} ${change.kind} ${namespace}/${change.name}`, answer);
}
