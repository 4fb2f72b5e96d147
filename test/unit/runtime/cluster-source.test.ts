/** The cluster as the sync sees it, while a part of it cannot be read. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createObservedIndex } from '../../../src/catalog/to-consul/observed-index.ts';
import { createPlanner } from '../../../src/controllers/planner.ts';
import type { ApiAnswer } from '../../../src/kubernetes/api-client.ts';
import { clusterSource } from '../../../src/runtime/cluster-source.ts';
import { TandemError } from '../../../src/support/errors.ts';
import { SETTINGS } from '../catalog/to-consul/objects.ts';

const SOURCE = 'Service/default/web';
const SCOPE = { owner: SETTINGS.owner, node: 'k8s-sync-test' };

const service = (type: string, version: string): object => ({
  metadata: { namespace: 'default', name: 'web', uid: '1', resourceVersion: version },
  spec: { type, clusterIP: '10.96.0.1', ports: [{ port: 80, nodePort: 30080 }] },
});
const slice = {
  metadata: {
    namespace: 'default',
    name: 'web-1',
    resourceVersion: '3',
    labels: { 'kubernetes.io/service-name': 'web' },
  },
  ports: [{ port: 8080 }],
  endpoints: [{ addresses: ['10.1.0.1'], nodeName: 'node-1' }],
};
const node = {
  metadata: { name: 'node-1', resourceVersion: '2' },
  status: { addresses: [{ type: 'InternalIP', address: '192.168.0.1' }] },
};

test('a Service that becomes the first NodePort keeps its instances until the nodes are listed', async (t) => {
  let type = 'ClusterIP';
  let version = 10;
  let mayReadNodes = false;
  const answer = (status: number, body: object): ApiAnswer => ({ status, body, weight: 1, headers: {} });
  const list = (items: readonly object[]): ApiAnswer =>
    answer(200, { metadata: { resourceVersion: String(version) }, items });
  const denied = Promise.withResolvers<void>();
  const source = clusterSource({
    client: {
      request: (_method, path) => {
        if (path.startsWith('/api/v1/services'))
          return Promise.resolve(list([service(type, String(version))]));
        if (path.startsWith('/apis/discovery')) return Promise.resolve(list([slice]));
        return Promise.resolve(mayReadNodes ? list([node]) : answer(403, { message: 'forbidden' }));
      },
      watch: async (_path, signal) => {
        await once(signal, 'abort');
        throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', 'aborted');
      },
    },
    withIngresses: false,
    onRestart: (kind) => (kind === 'nodes' ? denied.resolve() : undefined),
  });
  t.after(() => source.stop());
  await source.synced(AbortSignal.timeout(10_000));
  const observed = createObservedIndex(SCOPE);
  const planner = createPlanner(source.snapshot, observed, SETTINGS, SCOPE);
  const before = await planner.all();
  assert.deepEqual(
    before.plan.register.map(({ address }) => address),
    ['10.1.0.1'],
  );
  observed.record(
    before.plan.register.map((instance) => ({
      action: 'register',
      instance,
      source: SOURCE,
      operations: [],
      bytes: 0,
    })),
  );

  type = 'NodePort';
  version += 1;
  void source.refresh(AbortSignal.timeout(10_000)).catch(() => undefined);
  await denied.promise;
  assert.equal(source.snapshot.service(SOURCE)?.type, 'NodePort');
  for (const { plan } of [planner.of([SOURCE]), await planner.all()])
    assert.deepEqual([plan.register, plan.update, plan.deregister], [[], [], []]);

  const told = new Promise<readonly string[]>((resolve) => source.onChange(resolve));
  mayReadNodes = true;
  assert.deepEqual(await told, [SOURCE]);
  const { plan } = planner.of([SOURCE]);
  assert.deepEqual(
    [plan.register, plan.deregister].map((some) => some.map(({ address }) => address)),
    [['192.168.0.1'], ['10.1.0.1']],
  );
});
