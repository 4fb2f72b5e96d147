/** List and watch on a real API server, with no more rights than list and watch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiClient } from '../../../src/kubernetes/api-client.ts';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import type { Clock } from '../../../src/support/clock.ts';
import { watchEvents } from '../../../src/kubernetes/watch-events.ts';
import { IDLE } from '../../../src/kubernetes/watch-session.ts';
import { watchedResource, type WatchedResource } from '../../integration/kubernetes/watched-resource.ts';
import { startApiServer } from '../harness/api-server.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startScene } from '../harness/scene.ts';
import { serviceAccountClient } from './service-account-client.ts';

const scene = await startScene(['kube-apiserver', 'etcd']);
const server = await startApiServer(scene);
const client = await serviceAccountClient(scene, server, 'reader', 'cluster', [
  { apiGroups: [''], resources: ['services'], verbs: ['list', 'watch'] },
]);

const SERVICES = '/api/v1/namespaces/default/services';

/** The waits between attempts are short: they have a test of their own. */
function watched(
  through: ApiClient,
  path: string,
  query: Readonly<Record<string, string>> = {},
  clock: Clock = systemClock,
): WatchedResource {
  const started = watchedResource({ client: through, path, query, clock });
  scene.atEnd(() => started.resource.stop());
  return started;
}

async function createService(name: string, color: string): Promise<void> {
  const spec = { clusterIP: 'None', ports: [{ port: 80 }] };
  await server.admin.expect('POST', SERVICES, { metadata: { name, labels: { color } }, spec });
}

const paint = (name: string, color: string): Promise<unknown> =>
  server.admin.expect('PATCH', `${SERVICES}/${name}`, { metadata: { labels: { color } } }, MERGE_PATCH);

test('1,200 services come in pages, and then each change', async () => {
  const names = Array.from({ length: 1200 }, (_, index) => `many-${index}`);
  for (let from = 0; from < names.length; from += 50)
    await Promise.all(names.slice(from, from + 50).map((name) => createService(name, 'red')));

  const pages: string[] = [];
  const counting: ApiClient = {
    ...client,
    request: (...call) => {
      pages.push(call[1]);
      return client.request(...call);
    },
  };
  const { resource, changes, until } = watched(counting, '/api/v1/services', { labelSelector: 'color' });
  await resource.synced;
  // The pages grow with what the objects take: 16, 64, 256, 500, and the rest.
  assert.deepEqual([resource.size(), pages.length, resource.get('default/many-7')], [1200, 5, 'red']);

  changes.length = 0;
  await paint('many-7', 'blue');
  await createService('one-more', 'green');
  await server.admin.expect('DELETE', `${SERVICES}/many-8`);
  await until(() => changes.length === 3);
  assert.deepEqual(changes, ['default/many-7 red blue', 'default/one-more - green', 'default/many-8 red -']);
  assert.equal(resource.size(), 1200);
  await resource.stop();
});

test('a selector that does not match any more takes the object away', async () => {
  await createService('selected', 'violet');
  const { resource, changes, until } = watched(client, SERVICES, { labelSelector: 'color=violet' });
  await resource.synced;
  await paint('selected', 'red');
  await until(() => changes.length === 2);
  assert.deepEqual(changes, ['default/selected - violet', 'default/selected violet -']);
  await resource.stop();
});

test('an API server that was away is followed again, with all that happened meanwhile', async () => {
  await createService('before', 'orange');
  const { resource, changes, restarts, until } = watched(client, '/api/v1/services', {
    labelSelector: 'color=orange',
  });
  await resource.synced;
  await server.restart();
  await createService('after', 'orange');
  await until(() => changes.length === 2);
  assert.deepEqual(changes, ['default/before - orange', 'default/after - orange']);
  assert.ok(restarts.length > 0);
  await resource.stop();
});

/** Throws the history away, as the API server has etcd do every five minutes. */
async function compact(): Promise<void> {
  const call = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${server.etcd}/v3/kv/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200);
    return response.json();
  };
  const { header } = (await call('range', { key: 'AA==' })) as { header: { revision: string } };
  await call('compaction', { revision: header.revision, physical: true });
}

test('a version whose history is gone is followed by a list, which tells what vanished', async () => {
  await createService('kept', 'brown');
  await createService('deleted', 'brown');
  const gate = Promise.withResolvers<void>();
  const gated: ApiClient = {
    ...client,
    watch: async (...call) => {
      await gate.promise;
      return client.watch(...call);
    },
  };
  const { resource, changes, restarts, until } = watched(gated, '/api/v1/services', {
    labelSelector: 'color=brown',
  });
  await resource.synced;
  await server.admin.expect('DELETE', `${SERVICES}/deleted`);
  await createService('created', 'brown');
  await compact();
  // Its cache of the history is in memory.
  await server.restart();
  gate.resolve();
  await until(() => changes.length === 4);
  assert.deepEqual(changes.slice(2), ['default/created - brown', 'default/deleted brown -']);
  assert.ok(restarts.includes('gone'), restarts.join());
  await resource.stop();
});

test('a server that hangs is given up, and followed again when it goes on', async () => {
  let fire = (): void => undefined;
  const clock: Clock = {
    ...systemClock,
    after: (milliseconds, callback) => {
      if (milliseconds !== IDLE) return systemClock.after(milliseconds, callback);
      fire = callback;
      return () => undefined;
    },
  };
  const { resource, changes, restarts, until } = watched(
    client,
    SERVICES,
    { labelSelector: 'color=grey' },
    clock,
  );
  await resource.synced;
  await createService('first', 'grey');
  await until(() => changes.length === 1);
  await server.process().hang();
  fire();
  await until(() => restarts.includes('idle'));
  server.process().goOn();
  await createService('second', 'grey');
  await until(() => changes.length === 2);
  assert.deepEqual(changes, ['default/first - grey', 'default/second - grey']);
  await resource.stop();
});

test('a real watch ends with a bookmark, in order', async () => {
  const { metadata } = await server.admin.expect('GET', SERVICES);
  const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=6&resourceVersion=${metadata.resourceVersion}`;
  const answer = await client.watch(`${SERVICES}?${query}`, new AbortController().signal);
  assert.ok(answer.kind === 'stream');
  await createService('seen', 'grey');
  const kinds: string[] = [];
  for await (const { kind } of watchEvents(answer.stream.setEncoding('utf8'))) kinds.push(kind);
  // Once or twice in the last seconds, as the ticks of the server fall.
  assert.deepEqual([kinds[0], ...new Set(kinds.slice(1))], ['added', 'bookmark'], kinds.join());
});

test('what may not be read is not an empty list', async () => {
  const { resource, restarts, until } = watched(client, '/api/v1/secrets');
  await until(() => restarts.length === 2);
  assert.deepEqual([restarts, resource.status().isSynced, resource.size()], [['denied', 'denied'], false, 0]);
  await resource.stop();
});
