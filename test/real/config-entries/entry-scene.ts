/** A real API server with the CRDs of config entries, a real Consul, and what the tests say and ask of both. */
import assert from 'node:assert/strict';
import {
  ENTRY_GROUP,
  ENTRY_KINDS,
  ENTRY_VERSION,
  entryKindOf,
} from '../../../src/catalog/config-entries/entry-kinds.ts';
import { crdOf } from '../../../src/catalog/config-entries/crd-schema.ts';
import type { EntryKind } from '../../../src/catalog/config-entries/entry-table.ts';
import type { ApiServer } from '../harness/api-server.ts';
import { MERGE_PATCH, type KubernetesObject } from '../harness/api-client.ts';
import type { Consul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';

export type Entry = Readonly<Record<string, unknown>> & {
  readonly ModifyIndex: number;
  readonly Meta?: Readonly<Record<string, string>>;
};

type Condition = { readonly status: string; readonly reason: string; readonly message: string };

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export function entryScene(api: ApiServer, consul: Pick<Consul, 'url' | 'call'>) {
  const kindOf = (name: string): EntryKind => {
    const kind = entryKindOf(name);
    assert.ok(kind !== undefined, name);
    return kind;
  };
  const collection = (kind: string, namespace: string): string =>
    `/apis/${ENTRY_GROUP}/${ENTRY_VERSION}/namespaces/${namespace}/${kindOf(kind).plural}`;
  const pathOf = (kind: string, place: string): string => {
    const [namespace = '', name = ''] = place.split('/');
    return `${collection(kind, namespace)}/${name}`;
  };
  const entry = async (kind: string, name: string): Promise<Entry | undefined> => {
    const answer = await fetch(`${consul.url}/v1/config/${kindOf(kind).entryKind}/${name}`);
    return answer.status === 404 ? undefined : ((await answer.json()) as Entry);
  };
  const condition = async (kind: string, place: string): Promise<Condition | undefined> => {
    const object = await api.admin.expect('GET', pathOf(kind, place));
    const { conditions = [] } = (object['status'] ?? {}) as { conditions?: (Condition & { type: string })[] };
    return conditions.find(({ type }) => type === 'Synced');
  };

  return {
    kinds: ENTRY_KINDS,
    kindOf,
    pathOf,
    serviceIntentions: kindOf('ServiceIntentions'),
    /** Undefined when there is none. */
    object: async (kind: string, place: string): Promise<KubernetesObject | undefined> => {
      const { status, body } = await api.admin.request('GET', pathOf(kind, place));
      return status === 404 ? undefined : (body as KubernetesObject);
    },
    finalizersOf: async (kind: string, place: string): Promise<unknown> => {
      const { metadata } = await api.admin.expect('GET', pathOf(kind, place));
      return (metadata as { readonly finalizers?: unknown }).finalizers;
    },
    entry,
    condition,
    entries: (kind: string) =>
      consul.call('GET', `/v1/config/${kindOf(kind).entryKind}`) as Promise<readonly Entry[]>,
    crdPath: (kind: string) => `${CRDS}/${kindOf(kind).plural}.${ENTRY_GROUP}`,
    installCrds: async (kinds: readonly EntryKind[] = ENTRY_KINDS): Promise<void> => {
      for (const kind of kinds) await api.admin.expect('POST', CRDS, crdOf(kind));
      for (const { plural } of kinds)
        await eventually(`${plural} is served`, () =>
          api.admin.expect('GET', `/apis/${ENTRY_GROUP}/${ENTRY_VERSION}/${plural}`),
        );
    },
    apply: async (
      kind: string,
      place: string,
      spec: object,
      metadata: object = {},
    ): Promise<KubernetesObject> => {
      const [namespace = '', name = ''] = place.split('/');
      const path = collection(kind, namespace);
      const object = {
        apiVersion: `${ENTRY_GROUP}/${ENTRY_VERSION}`,
        kind,
        metadata: { name, namespace, ...metadata },
        spec,
      };
      const created = await api.admin.request('POST', path, object);
      if (created.status === 201) return created.body as KubernetesObject;
      assert.equal(created.status, 409, JSON.stringify(created.body));
      const patch = { metadata, spec };
      return api.admin.expect('PATCH', `${path}/${name}`, patch, MERGE_PATCH);
    },
    remove: async (kind: string, place: string): Promise<void> => {
      await api.admin.expect('DELETE', pathOf(kind, place));
    },
    stands: (kind: string, place: string, reason: string): Promise<Condition> =>
      eventually(`${kind} ${place} is ${reason}`, async () => {
        const found = await condition(kind, place);
        assert.equal(found?.reason, reason, JSON.stringify(found));
        assert.ok(found !== undefined);
        return found;
      }),
    /** Resolves with the entry. */
    has: (kind: string, name: string, fields: object): Promise<Entry> =>
      eventually(`${kind} ${name} is in Consul`, async () => {
        const found = await entry(kind, name);
        assert.ok(found !== undefined);
        for (const [key, value] of Object.entries(fields)) assert.deepEqual(found[key], value);
        return found;
      }),
    hasNot: (kind: string, name: string): Promise<void> =>
      eventually(`${kind} ${name} is not in Consul`, async () => {
        assert.equal(await entry(kind, name), undefined);
      }),
    put: (body: object): Promise<unknown> => consul.call('PUT', '/v1/config', body),
  };
}
