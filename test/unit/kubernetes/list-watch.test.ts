/** How often a server is asked for lists, by a clock that the test moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listWatch } from '../../../src/kubernetes/list-watch.ts';
import { TandemError } from '../../../src/support/errors.ts';
import { createVirtualClock } from '../controllers/virtual-clock.ts';

const LISTED = { items: [], metadata: { resourceVersion: '7' } };

/** A server that needs so many milliseconds for a list, and answers with the status. */
function start(server: { milliseconds: number; status: number }) {
  const clock = createVirtualClock();
  const asked = { lists: 0, isWatched: false };
  const watched = listWatch(
    {
      client: {
        request: async () => {
          asked.lists += 1;
          const { milliseconds, status } = server;
          if (milliseconds > 0) await new Promise<void>((resolve) => clock.after(milliseconds, resolve));
          return { status, body: LISTED, weight: 1, headers: {} };
        },
        watch: (_path, signal) => {
          asked.isWatched = true;
          return new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => {
              asked.isWatched = false;
              reject(new TandemError('TANDEM_KUBERNETES_UNREACHABLE', 'ended'));
            }),
          );
        },
      },
      path: '/x',
      query: {},
      read: () => undefined,
      clock,
      random: () => 0.5,
    },
    { onList: () => undefined, onEvent: () => 'applied', onRestart: () => undefined },
  );
  return { clock, asked, watched };
}

test('a list that takes long is asked for once, and counts when it comes', async () => {
  const server = { milliseconds: 0, status: 200 };
  const { clock, asked, watched } = start(server);
  await clock.advance(0);
  server.milliseconds = 50_000;
  let isListed = false;
  void watched.relist().then(() => (isListed = true));
  await clock.advance(49_000);
  assert.deepEqual([asked, isListed], [{ lists: 2, isWatched: false }, false]);
  await clock.advance(1000);
  assert.deepEqual([asked, isListed], [{ lists: 2, isWatched: true }, true]);
  await clock.advance(60_000);
  assert.equal(asked.lists, 2);
  await watched.stop();
});

test('a server that refuses lists is not asked more often because many ask, and the watch goes on', async () => {
  const server = { milliseconds: 0, status: 200 };
  const { clock, asked, watched } = start(server);
  await clock.advance(0);
  server.status = 429;
  let listed = 0;
  for (let second = 0; second < 600; second += 1) {
    void watched.relist().then(() => (listed += 1));
    await clock.advance(1000);
  }
  assert.ok(asked.lists > 30 && asked.lists < 60, `${asked.lists} in 10 minutes`);
  assert.deepEqual([asked.isWatched, listed], [true, 0]);
  server.status = 200;
  await clock.advance(30_000);
  assert.equal(listed, 600);
  await watched.stop();
});
