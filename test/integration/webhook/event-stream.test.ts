/** `/events` over a real socket: what changed arrives, and a reader who leaves or stays costs nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { changeSignal } from '../../../src/reporting/change-signal.ts';
import { MOST_READERS } from '../../../src/http/event-stream.ts';
import type { Status } from '../../../src/status-page/status.ts';
import { service, synced } from '../../unit/status-page/sample-status.ts';
import { startWebhook } from './running-webhook.ts';

async function open(port: number, path = '/events'): Promise<IncomingMessage> {
  const [response] = (await once(get({ host: '127.0.0.1', port, path }), 'response')) as [IncomingMessage];
  return response.setEncoding('utf8').on('error', () => undefined);
}

async function until(response: IncomingMessage, part: string): Promise<string> {
  let text = '';
  while (!text.includes(part)) text += String((await once(response, 'data'))[0]);
  return text;
}

test(
  'a change arrives, too many readers are refused, and a stop ends the streams',
  { timeout: 20_000 },
  async (t) => {
    const changes = changeSignal();
    let status: Status = synced([service('web')]);
    const webhook = await startWebhook({ status: () => status, onStatusChange: changes.onChange });
    t.after(() => webhook.stop());
    const { statusPort } = webhook;
    const page = await (await fetch(`http://127.0.0.1:${statusPort}/`)).text();
    const seen = /data-view="(\w+)"/.exec(page)?.[1];

    const first = await open(statusPort, `/events?view=${seen}`);
    assert.equal(first.headers['content-type'], 'text/event-stream');
    status = synced([service('web'), service('api')]);
    changes.changed();
    const text = await until(first, 'Service/default/api');
    assert.ok(!text.includes('data-key=\\"Service/default/web'), 'a row that is the same is not sent');
    assert.ok(text.includes('data-key=\\"Service/default/api'));

    const others = await Promise.all(Array.from({ length: MOST_READERS - 1 }, () => open(statusPort)));
    assert.equal((await open(statusPort)).statusCode, 503);
    others[0]?.destroy();
    let next = await open(statusPort);
    while (next.statusCode === 503) next = await open(statusPort);
    assert.match(await until(next, 'event: change'), /"isWhole":true/);

    const ended = new Promise((resolve) => first.resume().on('close', resolve));
    await webhook.stop();
    await ended;
  },
);

test('a status that takes long to make: whoever comes, and whenever it changes, sees the last one', async (t) => {
  const changes = changeSignal();
  let names = ['web'];
  let looks = 0;
  const webhook = await startWebhook({
    status: () => {
      const seen = names;
      looks += 1;
      const end = performance.now() + 20;
      while (performance.now() < end);
      // Readers of other queries still wait for their turn when this comes.
      if (looks === 2) {
        names = [...names, 'meanwhile'];
        changes.changed();
      }
      return synced(seen.map((name) => service(name)));
    },
    onStatusChange: changes.onChange,
  });
  t.after(() => webhook.stop());
  const { statusPort } = webhook;
  const base = `http://127.0.0.1:${statusPort}`;
  await Promise.all([fetch(`${base}/`), fetch(`${base}/status`), fetch(`${base}/status`)]);
  assert.equal(looks, 1, 'requests share what was just made');
  // Nobody looks yet, so nobody is told.
  names = ['web', 'api'];
  changes.changed();
  const readers = await Promise.all(['', 'a', 'e', 'm'].map((word) => open(statusPort, `/events?q=${word}`)));
  // Each by itself: what comes while nobody listens is lost.
  await Promise.all(readers.map((reader) => until(reader, 'Service/default/meanwhile')));
  assert.ok(looks <= 4, `${looks}`);
});
