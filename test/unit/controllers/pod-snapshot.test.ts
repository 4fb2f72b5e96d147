import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshService } from '../../../src/catalog/mesh/mesh-cluster.ts';
import { selects } from '../../../src/catalog/mesh/mesh-service.ts';
import { createPodSnapshot, type PodSnapshot } from '../../../src/controllers/pod-snapshot.ts';
import { createPodStatuses } from '../../../src/controllers/pod-statuses.ts';
import { podOf, noAddress } from '../catalog/mesh/injected-pods.ts';

function serviceOf(
  name: string,
  selector: Readonly<Record<string, string>>,
  namespace = 'default',
): MeshService {
  return {
    namespace,
    name,
    created: '',
    selector: new Map(Object.entries(selector)),
    ports: [{ port: 80, target: 8080 }],
  };
}

function start(): PodSnapshot {
  return createPodSnapshot({ owner: 'c1', namesFollowServices: true, podsLogIn: false });
}

test('every Service that selects a pod is found, whatever came, changed and went before', () => {
  const snapshot = start();
  const services = new Map<string, MeshService>();
  const set = (
    name: string,
    selector: Readonly<Record<string, string>> | undefined,
    namespace?: string,
  ): void => {
    const key = `${namespace ?? 'default'}/${name}`;
    const after = selector && serviceOf(name, selector, namespace);
    snapshot.serviceChanged(services.get(key), after);
    if (after === undefined) services.delete(key);
    else services.set(key, after);
  };
  const pod = { ...podOf(), labels: new Map(Object.entries({ app: 'web', tier: 'front', zone: 'a' })) };
  const agrees = (): void => {
    const found = (snapshot.cluster.services(pod) ?? []).filter((each) => selects(each, pod));
    const wanted = [...services.values()].filter((each) => selects(each, pod));
    assert.deepEqual(new Set(found), new Set(wanted));
    assert.equal(found.length, wanted.length, 'none twice');
  };
  const steps: readonly Parameters<typeof set>[] = [
    ['web', { app: 'web' }],
    ['both', { app: 'web', tier: 'front' }],
    ['all', { zone: 'a', app: 'web', tier: 'front' }],
    ['other', { app: 'web', tier: 'back' }],
    ['web', { app: 'api' }],
    ['web', { tier: 'front' }, 'elsewhere'],
    ['both', { zone: 'a' }],
    ['other', { app: 'web' }],
    ['all', undefined],
    ['web', undefined],
    ['both', undefined],
    ['other', undefined],
  ];
  for (const step of steps) {
    set(...step);
    agrees();
  }
  assert.deepEqual(snapshot.cluster.services(pod), []);
});

test('a pod of a large namespace does not look at every Service of it, whatever they have in common', () => {
  const snapshot = start();
  const names = Array.from({ length: 4000 }, (_, at) => `web-${at}`);
  for (const app of names) snapshot.serviceChanged(undefined, serviceOf(app, { team: 'shop', app }));
  const statuses = createPodStatuses(snapshot.cluster, noAddress);
  for (const app of names) {
    const labels = new Map(Object.entries({ team: 'shop', app }));
    const pod = { ...podOf({ name: app }), labels };
    // The first of all is found by what they share: nothing told them apart when it came.
    assert.ok((snapshot.cluster.services(pod)?.length ?? 0) <= 2);
    assert.equal(statuses.of(pod).service?.name, app);
  }
});
