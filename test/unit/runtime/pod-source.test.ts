/** What the registrar watches: Services for their addresses only where a pod has redirected traffic. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { ApiClient } from '../../../src/kubernetes/api-client.ts';
import { clusterPods } from '../../../src/runtime/pod-source.ts';
import { TandemError } from '../../../src/support/errors.ts';
import { injectedPod, podOf, type PodSketch } from '../catalog/mesh/injected-pods.ts';

const LABELS = { app: 'api' };
const SERVICE = {
  metadata: { namespace: 'default', name: 'api', resourceVersion: '1', uid: 's1' },
  spec: { selector: LABELS, clusterIP: '10.96.0.1', ports: [{ port: 80, targetPort: 8080 }] },
};

/** An API server with this pod, which gives one list of each resource, and no events. */
async function watched(pod: PodSketch, mayReadServices = true) {
  const listed: string[] = [];
  const raw = injectedPod({ labels: LABELS, ...pod }) as { readonly metadata: object };
  const items = new Map<string, readonly unknown[]>([
    ['pods', [{ ...raw, metadata: { ...raw.metadata, resourceVersion: '1' } }]],
    ['services', [SERVICE]],
  ]);
  const client: Pick<ApiClient, 'request' | 'watch'> = {
    request: async (_method, path) => {
      const [kind = ''] = path.slice('/api/v1/'.length).split('?');
      listed.push(kind);
      if (kind === 'services' && !mayReadServices)
        return { status: 403, body: { message: 'forbidden' }, headers: {}, weight: 0 };
      const body = { kind: 'List', metadata: { resourceVersion: '1' }, items: items.get(kind) ?? [] };
      return { status: 200, body, headers: {}, weight: 0 };
    },
    watch: async (_path, signal) => {
      if (!signal.aborted) await once(signal, 'abort');
      throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', 'the test has ended');
    },
  };
  const isRefused = Promise.withResolvers<void>();
  const source = clusterPods({
    owner: 'c1',
    namesFollowServices: false,
    podsLogIn: false,
    client,
    onRestart: (kind) => void (kind === 'services' && isRefused.resolve()),
    onPod: () => undefined,
    onRefusedAddress: () => undefined,
  });
  const told: string[] = [];
  const areListed = Promise.withResolvers<void>();
  source.onChange(({ pods = [] }) => {
    told.push(...pods.map(({ name }) => name));
    if (source.watches().services?.isSynced === true) areListed.resolve();
  });
  await source.synced(new AbortController().signal);
  return { source, listed, told, isRefused: isRefused.promise, areListed: areListed.promise };
}

test('without a redirected pod, Services are not watched', async () => {
  const { source, listed } = await watched({});
  assert.deepEqual(listed.toSorted(), ['nodes', 'pods']);
  assert.ok(source.isSynced());
  await source.stop();
});

test('with one they are, and its place is looked at again when all are known', async () => {
  const { source, listed, told, areListed } = await watched({ exposed: [] });
  await areListed;
  assert.deepEqual(listed.toSorted(), ['nodes', 'pods', 'services']);
  const pod = podOf({ exposed: [], labels: LABELS });
  assert.deepEqual(
    source.snapshot.cluster.selecting(pod)?.map(({ name, address }) => `${name} ${address}`),
    ['api 10.96.0.1'],
  );
  assert.equal(told.at(-1), 'web-0');
  await source.stop();
});

test('Services that may not be read leave every address as it is, and nothing else waits for them', async () => {
  const { source, isRefused } = await watched({ exposed: [] }, false);
  await isRefused;
  assert.equal(source.snapshot.cluster.selecting(podOf({ exposed: [] })), undefined);
  assert.ok(source.isSynced());
  await source.stop();
});
