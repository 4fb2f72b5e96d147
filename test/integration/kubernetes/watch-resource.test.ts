/** What is there stays right through every fault of an API server. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import type { Clock } from '../../../src/support/clock.ts';
import type { RestartCause } from '../../../src/model/restart-causes.ts';
import { IDLE } from '../../../src/kubernetes/watch-session.ts';
import { watchedResource, type Collected, type WatchedResource } from './watched-resource.ts';
import {
  bookmark,
  event,
  json,
  list,
  scriptedServer,
  service,
  status,
  watch,
  type Reply,
  type ScriptedServer,
} from './scripted-server.ts';

let server: ScriptedServer;
let running: WatchedResource[] = [];
beforeEach(async () => {
  server = await scriptedServer();
});
afterEach(async () => {
  await Promise.all(running.map(({ resource }) => resource.stop()));
  running = [];
  server.close();
});

/** No wait between attempts. */
const impatient: Clock = {
  ...systemClock,
  after: (milliseconds, callback) => systemClock.after(milliseconds === IDLE ? IDLE : 0, callback),
};

function start(more: Partial<Collected> = {}): WatchedResource {
  const started = watchedResource({
    client: server.client,
    path: '/api/v1/services',
    clock: impatient,
    ...more,
  });
  running.push(started);
  return started;
}

/** `list`, or `watch` with the version from which on. */
const asked = (): string[] =>
  server.requests.map(({ query }) =>
    query.get('watch') === 'true'
      ? `watch ${query.get('resourceVersion')}`
      : `list${query.has('continue') ? ` ${query.get('continue')}` : ''}`,
  );

const red = service('a', 5, 'red');
const blue = service('a', 12, 'blue');

test('a list in pages is one list', async () => {
  server.reply(list(10, [red], 'next'), list(10, [service('b', 6, 'green')]), watch([]));
  const { resource, changes } = start({ query: { labelSelector: 'x=y' } });
  await resource.synced;
  assert.deepEqual(
    [asked().slice(0, 2), changes],
    [
      ['list', 'list next'],
      ['default/a - red', 'default/b - green'],
    ],
  );
  assert.deepEqual(
    [server.requests[1]?.query.has('limit'), server.requests[1]?.query.get('labelSelector')],
    [true, 'x=y'],
  );
  assert.deepEqual(
    [[...resource.keys()], [...resource.values()]],
    [
      ['default/a', 'default/b'],
      ['red', 'green'],
    ],
  );
});

test('a watch asks for bookmarks, and to be ended within 5 to 10 minutes', async () => {
  server.reply(list(10, [red]), watch([event('MODIFIED', blue)]));
  const { changes, until } = start({ random: () => 0.5 });
  await until(() => changes.length === 2);
  const query = server.requests[1]?.query;
  assert.deepEqual([query?.get('allowWatchBookmarks'), query?.get('timeoutSeconds')], ['true', '450']);
});

test('a list that fails between its pages changes nothing', async () => {
  server.reply(list(10, [red]), watch([], 'close'));
  const { resource, restarts, changes, until } = start();
  await resource.synced;
  server.reply(status(410), list(20, [], 'next'), status(410));
  await until(() => restarts.length === 3);
  assert.deepEqual([restarts, changes], [['closed', 'gone', 'gone'], ['default/a - red']]);
  server.reply(list(21, [service('b', 6, 'green')]), watch([]));
  await until(() => changes.length === 3);
  assert.deepEqual(changes, ['default/a - red', 'default/b - green', 'default/a red -']);
});

/** What ends the first watch; from where the next begins; and that nothing is lost or told twice. */
const ends: readonly [string, Reply, RestartCause, readonly string[]][] = [
  ['a clean close', watch([event('MODIFIED', blue)], 'close'), 'closed', ['watch 12']],
  ['a reset', watch([event('MODIFIED', blue)], 'reset'), 'reset', ['watch 12']],
  ['a bookmark', watch([event('MODIFIED', blue), bookmark(15)], 'close'), 'closed', ['watch 15']],
  ['half a line', watch([event('MODIFIED', blue), '{"type":"DEL'], 'close'), 'garbled', ['watch 12']],
  ['no JSON', watch([event('MODIFIED', blue), '<html>\n']), 'garbled', ['watch 12']],
  ['no event', watch([event('MODIFIED', blue), '{}\n']), 'garbled', ['watch 12']],
  ['an object without a name', watch([event('MODIFIED', blue), event('ADDED', {})]), 'garbled', ['watch 12']],
  [
    'an error of the server',
    watch([event('MODIFIED', blue), event('ERROR', { code: 500, message: 'etcd' })]),
    'server-error',
    ['watch 12'],
  ],
  [
    'a version that is gone',
    watch([event('MODIFIED', blue), event('ERROR', { code: 410, message: 'too old' })]),
    'gone',
    ['list', 'watch 20'],
  ],
  [
    'a bookmark of the past',
    watch([event('MODIFIED', blue), bookmark(3)]),
    'disordered',
    ['list', 'watch 20'],
  ],
  [
    'disorder before a close',
    watch([event('MODIFIED', blue), bookmark(3)], 'close'),
    'disordered',
    ['list', 'watch 20'],
  ],
  [
    'a late event of an object that is not there',
    watch([event('MODIFIED', blue), event('ADDED', service('b', 11, 'green'))]),
    'disordered',
    ['list', 'watch 20'],
  ],
];
for (const [what, first, cause, expected] of ends) {
  test(`${what}: the watch goes on`, async () => {
    server.reply(list(10, [red]), first);
    if (expected[0] === 'list') server.reply(list(20, [blue]));
    server.reply(watch([event('ADDED', service('c', 30, 'white'))]));
    const { changes, restarts, until } = start();
    await until(() => changes.length === 3);
    assert.deepEqual(changes, ['default/a - red', 'default/a red blue', 'default/c - white']);
    assert.deepEqual([restarts, asked()], [[cause], ['list', 'watch 10', ...expected]]);
  });
}

const refusals: readonly [string, Reply, RestartCause, RegExp][] = [
  ['500', status(500), 'server-error', /status 500/],
  ['429', status(429), 'throttled', /status 429/],
  ['401', status(401), 'denied', /status 401/],
  [
    '403',
    status(403),
    'denied',
    /TANDEM_KUBERNETES_REFUSED GET \/api\/v1\/services: status 403, "status 403"/,
  ],
  ['an HTML page', (response) => response.writeHead(502).end('<html>'), 'server-error', /<html>/],
  ['an HTML page that pretends to be well', (response) => response.end('<html>'), 'garbled', /not JSON/],
  ['no list', json({ kind: 'Status' }), 'garbled', /not a list/],
  ['a list without its version', json({ items: [], metadata: {} }), 'garbled', /not a list/],
  [
    'half a list',
    (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"items":[', () => response.socket?.resetAndDestroy());
    },
    'unreachable',
    /UNREACHABLE/,
  ],
  ['a reset', (response) => response.socket?.resetAndDestroy(), 'unreachable', /ECONNRESET|hang up/],
];
for (const [what, reply, cause, message] of refusals) {
  test(`${what} instead of a list: it is asked for again, and nothing is believed`, async () => {
    server.reply(list(10, [red]), watch([event('ERROR', { code: 410 })]), reply);
    const { changes, restarts, errors, resource, until } = start();
    await until(() => restarts.length === 2);
    assert.deepEqual([restarts[1], resource.size()], [cause, 1]);
    assert.match(errors[1] ?? '', message);
    server.reply(list(20, []), watch([]));
    await until(() => changes.length === 2);
    assert.deepEqual(changes, ['default/a - red', 'default/a red -']);
  });
}

test('only what differs is told after a new list', async () => {
  server.reply(list(10, [red, service('b', 6, 'green')]), watch([event('ERROR', { code: 410 })]));
  server.reply(list(20, [blue, service('b', 6, 'green')]), watch([]));
  const { changes, until } = start();
  await until(() => changes.length === 3);
  assert.deepEqual(changes, ['default/a - red', 'default/b - green', 'default/a red blue']);
});

test('duplicate and late events are not told', async () => {
  const deleted = event('DELETED', service('a', 14, 'blue'));
  server.reply(
    list(10, [red]),
    watch([
      event('ADDED', red),
      event('MODIFIED', blue),
      event('MODIFIED', blue),
      event('MODIFIED', service('a', 11, 'late')),
      event('DELETED', service('a', 4, 'older')),
      deleted,
      deleted,
      event('ADDED', service('a', 16, 'white')),
      deleted,
      event('ADDED', service('end', 20, 'black')),
    ]),
  );
  const { changes, restarts, until } = start();
  await until(() => changes.at(-1) === 'default/end - black');
  assert.deepEqual(changes.slice(1, -1), ['default/a red blue', 'default/a blue -', 'default/a - white']);
  assert.deepEqual(restarts, []);
});

test('an object that is not wanted any more has gone', async () => {
  server.reply(
    list(10, [red, service('b', 6, 'unwanted')]),
    watch([
      event('MODIFIED', service('a', 11, 'unwanted')),
      event('MODIFIED', service('b', 12, 'unwanted')),
      event('MODIFIED', service('a', 13, 'blue')),
    ]),
  );
  const { changes, until } = start();
  await until(() => changes.length === 3);
  assert.deepEqual(changes, ['default/a - red', 'default/a red -', 'default/a - blue']);
});

test('a connection without a sign of life is given up, and the watch goes on from the last version', async () => {
  let fire = (): void => undefined;
  const clock: Clock = {
    ...impatient,
    after: (milliseconds, callback) => {
      if (milliseconds !== IDLE) return impatient.after(milliseconds, callback);
      fire = callback;
      return () => undefined;
    },
  };
  server.reply(list(10, [red]), watch([event('MODIFIED', blue)]), watch([]));
  const { changes, restarts, until } = start({ clock });
  await until(() => changes.length === 2);
  fire();
  await until(() => restarts.length === 1);
  assert.deepEqual(restarts, ['idle']);
});

test('the wait between attempts grows to 30 s, heeds Retry-After, and begins anew after an event', async () => {
  const waits: number[] = [];
  const clock: Clock = {
    ...impatient,
    after: (milliseconds, callback) => {
      if (milliseconds !== IDLE) waits.push(milliseconds);
      return impatient.after(milliseconds, callback);
    },
  };
  server.reply(...Array.from({ length: 7 }, () => status(500)));
  server.reply(status(429, { 'retry-after': '7' }), status(429, { 'retry-after': '3600' }));
  server.reply(list(10, []), watch([event('ADDED', blue)], 'close'), watch([], 'close'));
  const { restarts, until } = start({ clock, random: () => 0.5 });
  await until(() => restarts.length === 11);
  assert.deepEqual(waits, [400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000, 30_000, 400, 800]);
});

test('a server that is away is asked every 4 s at least, however long that lasts', async () => {
  const waits: number[] = [];
  const clock: Clock = {
    ...impatient,
    after: (milliseconds, callback) => {
      if (milliseconds !== IDLE) waits.push(milliseconds);
      return impatient.after(milliseconds, callback);
    },
  };
  const cutOff: Reply = (response) => response.socket?.resetAndDestroy();
  server.reply(...Array.from({ length: 6 }, () => cutOff));
  server.reply(list(10, []), watch([event('ADDED', blue)], 'reset'), watch([], 'close'));
  const { restarts, until } = start({ clock, random: () => 0.5 });
  await until(() => restarts.length === 8);
  assert.deepEqual(waits, [400, 800, 1600, 2000, 2000, 2000, 400, 400]);
});

test('a watch in which nothing happens is followed by the next without a wait', async () => {
  let elapsed = 0;
  const waits: number[] = [];
  let fire = (): void => undefined;
  const clock: Clock = {
    ...impatient,
    elapsed: () => elapsed,
    after: (milliseconds, callback) => {
      if (milliseconds === IDLE) fire = callback;
      else waits.push(milliseconds);
      return () => undefined;
    },
  };
  server.reply(
    list(10, []),
    (response, request) => {
      elapsed += 300_000;
      watch([], 'close')(response, request);
    },
    watch([event('ADDED', blue)]),
    watch([]),
  );
  const { changes, restarts, until } = start({ clock });
  await until(() => changes.length === 1);
  elapsed += IDLE;
  fire();
  await until(() => restarts.length === 2);
  assert.deepEqual([restarts, waits], [['closed', 'idle'], []]);
});

test('the status says how it is', async () => {
  server.reply(status(500));
  const { resource, restarts, until } = start({ clock: { ...impatient, now: () => 1234 } });
  await until(() => restarts.length === 1);
  const before = resource.status();
  server.reply(list(10, []), watch([]));
  await resource.synced;
  assert.deepEqual(
    [before, resource.status()],
    [
      { isSynced: false, lastSuccess: undefined, restarts: { 'server-error': 1 } },
      { isSynced: true, lastSuccess: 1234, restarts: { 'server-error': 1 } },
    ],
  );
});

test('it stops in the middle of a list, of a wait, and of a watch', async () => {
  const arrived = Promise.withResolvers<void>();
  server.reply(() => arrived.resolve());
  const inList = start();
  await arrived.promise;
  await inList.resource.stop();

  server.reply(status(500));
  const inWait = start({ clock: { ...systemClock, after: () => () => undefined } });
  await inWait.until(() => inWait.restarts.length === 1);
  await inWait.resource.stop();

  server.reply(list(1, []), watch([event('ADDED', red)]));
  const inWatch = start();
  await inWatch.until(() => inWatch.changes.length === 1);
  await inWatch.resource.stop();
  assert.deepEqual([inList.restarts, inWatch.restarts], [[], []]);
});

test('a bug of the consumer is not taken for a fault of the server', async () => {
  server.reply(list(10, [red]));
  const { resource } = watchedResource({
    client: server.client,
    path: '/x',
    random: () => assert.fail('a bug'),
  });
  await assert.rejects(resource.done, /a bug/);
});

test('a list that is asked for comes from a request that began afterwards, and the watch goes on from it', async () => {
  server.reply(
    list(10, [red]),
    watch([event('MODIFIED', service('a', 11, 'green'))]),
    list(12, [blue]),
    watch([event('MODIFIED', service('a', 13, 'black'))]),
  );
  const { resource, changes, restarts, until } = start();
  await until(() => changes.length === 2);
  await Promise.all([resource.relist(), resource.relist()]);
  assert.deepEqual(changes.slice(0, 3), ['default/a - red', 'default/a red green', 'default/a green blue']);
  await until(() => changes.length === 4);
  assert.deepEqual([asked(), restarts], [['list', 'watch 10', 'list', 'watch 12'], []]);
});

test('a list that is asked for and refused is told and asked for again, and until then the watch goes on', async () => {
  let again = (): void => assert.fail('no list was refused');
  const clock: Clock = {
    ...impatient,
    after: (milliseconds, callback) => {
      if (milliseconds === IDLE) return impatient.after(milliseconds, callback);
      again = callback;
      return () => undefined;
    },
  };
  server.reply(
    list(10, [red]),
    watch([event('MODIFIED', service('a', 11, 'green'))]),
    status(403),
    watch([event('MODIFIED', service('a', 12, 'black'))]),
  );
  const { resource, changes, restarts, until } = start({ clock });
  await until(() => changes.length === 2);
  const relisted = resource.relist();
  await until(() => changes.length === 3);
  assert.equal(changes.at(-1), 'default/a green black');
  server.reply(status(429), watch([event('MODIFIED', service('a', 13, 'white'))]));
  again();
  await until(() => changes.length === 4);
  server.reply(list(14, [service('a', 14, 'blue')]), watch([]));
  again();
  await relisted;
  assert.deepEqual([changes.at(-1), restarts], ['default/a white blue', ['denied', 'throttled']]);
  assert.deepEqual(asked().slice(0, 7), ['list', 'watch 10', 'list', 'watch 11', 'list', 'watch 12', 'list']);
});
