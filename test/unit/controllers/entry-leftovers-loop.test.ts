/** Objects that consul-k8s's finalizer keeps, and that nobody else would let end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { readEntryObject, type EntryObject } from '../../../src/catalog/config-entries/entry-object.ts';
import { dropLeftovers } from '../../../src/controllers/entry-leftovers-loop.ts';
import { TandemError } from '../../../src/support/errors.ts';
import { createVirtualClock } from './virtual-clock.ts';

function ending(name: string, metadata: object = {}): EntryObject {
  const object = readEntryObject({
    kind: 'ServiceDefaults',
    metadata: {
      name,
      namespace: 'shop',
      uid: name,
      deletionTimestamp: '2026-01-01T00:00:00Z',
      finalizers: ['finalizers.consul.hashicorp.com'],
      ...metadata,
    },
  });
  assert.ok(object !== undefined);
  return object;
}

test('one that the API server refuses holds up no other, and is tried again after a minute or a change', async () => {
  const kind = entryKindOf('ServiceDefaults');
  assert.ok(kind !== undefined);
  const clock = createVirtualClock();
  const tried: string[] = [];
  const failures: unknown[] = [];
  let there = [ending('guarded'), ending('web'), ending('alive', { deletionTimestamp: undefined })];
  let tell = (): void => undefined;
  const stop = new AbortController();
  const running = dropLeftovers(
    {
      clock,
      random: () => 0,
      objects: {
        objects: () => there,
        onChange: (listener) => {
          tell = () => listener(kind, '');
          return () => undefined;
        },
      },
      cluster: {
        dropFinalizer: (_kind, { name }) => {
          tried.push(name);
          if (name === 'guarded')
            return Promise.reject(new TandemError('TANDEM_KUBERNETES_REFUSED', 'a policy says no'));
          there = there.filter((each) => each.name !== name);
          return Promise.resolve();
        },
      },
      reporter: { failed: (error) => void failures.push(error) },
    },
    { kinds: [kind], settings: { allowNamespaces: ['*'] } },
    stop.signal,
  );
  await clock.advance(1000);
  assert.deepEqual(tried, ['guarded', 'web']);
  assert.equal(failures.length, 1);
  tell();
  await clock.advance(1000);
  assert.equal(tried.length, 2, 'nothing about it has changed');
  there = [ending('guarded', { labels: {} })];
  tell();
  await clock.advance(1000);
  assert.equal(tried.length, 3);
  await clock.advance(60_000);
  assert.equal(tried.length, 4);
  stop.abort();
  await running;
});
