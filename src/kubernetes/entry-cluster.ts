/** What the loop of config entries asks of the API server beside its watches: CRDs before a removal, statuses, a finalizer. */
import { type EntryObject, CONSUL_K8S_FINALIZER } from '../catalog/config-entries/entry-object.ts';
import { ENTRY_GROUP, ENTRY_VERSION } from '../catalog/config-entries/entry-kinds.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type { EntryCluster } from '../controllers/config-entry-ports.ts';
import { asObject, property, textAt } from '../support/json.ts';
import type { ApiAnswer, ApiClient } from './api-client.ts';
import { requestRefused } from './refused-object.ts';

/** Path of the collection of all namespaces. */
export function entryCollection({ plural }: EntryKind): string {
  return `/apis/${ENTRY_GROUP}/${ENTRY_VERSION}/${plural}`;
}

export function crdName({ plural }: EntryKind): string {
  return `${plural}.${ENTRY_GROUP}`;
}

function pathOf({ plural }: EntryKind, { namespace, name }: EntryObject): string {
  return `/apis/${ENTRY_GROUP}/${ENTRY_VERSION}/namespaces/${namespace}/${plural}/${name}`;
}

export function entryCluster(client: Pick<ApiClient, 'request'>): EntryCluster {
  return {
    crd: async (kind, signal) => {
      const name = crdName(kind);
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
      const answer = await client.request('GET', path, undefined, signal);
      if (answer.status === 404) return { isThere: false, why: `the CRD ${name} is gone` };
      requireSuccess(answer, `the CRD ${name} cannot be read`);
      const metadata = property(answer.body, 'metadata');
      return property(metadata, 'deletionTimestamp') === undefined
        ? { isThere: true, created: textAt(metadata, 'creationTimestamp') }
        : { isThere: false, why: `the CRD ${name} is being deleted` };
    },
    patchStatus: async (kind, object, status, signal) => {
      const answer = await client.request(
        'PATCH',
        `${pathOf(kind, object)}/status`,
        { metadata: { uid: object.uid }, status },
        signal,
      );
      // It is gone, or another object of the same name.
      if (answer.status === 404 || answer.status === 409) return undefined;
      requireSuccess(
        answer,
        `the status of ${kind.kind} ${object.namespace}/${object.name} cannot be written`,
      );
      return asObject(property(answer.body, 'status'));
    },
    dropFinalizer: async (kind, object, signal) => {
      const at = object.finalizers.indexOf(CONSUL_K8S_FINALIZER);
      const patch = [
        { op: 'test', path: '/metadata/uid', value: object.uid },
        { op: 'test', path: `/metadata/finalizers/${at}`, value: CONSUL_K8S_FINALIZER },
        { op: 'remove', path: `/metadata/finalizers/${at}` },
      ];
      const answer = await client.request('PATCH', pathOf(kind, object), patch, signal);
      // It is gone or has changed: the watch will report that.
      if ([404, 409, 422].includes(answer.status)) return;
      requireSuccess(
        answer,
        `the finalizer of consul-k8s on ${kind.kind} ${object.namespace}/${object.name} cannot be removed`,
      );
    },
  };
}

function requireSuccess(answer: ApiAnswer, what: string): void {
  if (answer.status >= 300) throw requestRefused(what, answer);
}
