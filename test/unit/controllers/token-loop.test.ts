import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTokenLoop } from '../../../src/controllers/token-loop.ts';
import { READY } from '../catalog/mesh/injected-pods.ts';
import { podEvents } from './pod-events.ts';
import { createVirtualClock } from './virtual-clock.ts';

function start() {
  const clock = createVirtualClock();
  /** UIDs of pods by accessor. */
  const tokens = new Map<string, string>();
  /** When they were made, and as which service, where that matters. */
  const made = new Map<string, { readonly created: number; readonly services: string }>();
  const told = { deleted: 0, refused: [] as string[], failed: 0, isWell: false };
  const faults: { list?: 'forbidden' | 'away'; refresh?: () => void; keeps?: string } = {};
  const { source, set, remove } = podEvents(
    { owner: 'c1', namesFollowServices: false, podsLogIn: true },
    () => faults.refresh?.(),
  );
  let lists = 0;
  const ending = new AbortController();
  const running = runTokenLoop(
    {
      clock,
      random: () => 0.5,
      source,
      tokens: {
        list: async () => {
          lists += 1;
          if (faults.list === 'away') throw new Error('away');
          if (faults.list === 'forbidden') return { refused: 'Permission denied' };
          return [...tokens].map(([accessor, uid]) => ({
            accessor,
            uid,
            ...(made.get(accessor) ?? { created: 0, services: 'web' }),
          }));
        },
        delete: async (accessor) => {
          if (faults.keeps === accessor) return { kind: 'refused', reason: 'no acl:write' };
          tokens.delete(accessor);
          return { kind: 'applied' };
        },
      },
      reporter: {
        deleted: (count) => void (told.deleted += count),
        refused: (reason) => {
          told.refused.push(reason);
          told.isWell = false;
        },
        failed: () => {
          told.failed += 1;
          told.isWell = false;
        },
        succeeded: () => void (told.isWell = true),
      },
    },
    { owner: 'c1', resync: 600_000, dryRun: false },
    ending.signal,
  );
  return {
    clock,
    tokens,
    made,
    told,
    faults,
    lists: () => lists,
    set,
    remove,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

async function started(): Promise<ReturnType<typeof start>> {
  const running = start();
  running.set({ uid: 'u1' });
  running.set({ name: 'web-1', uid: 'u2' });
  running.tokens.set('first', 'u1').set('again', 'u1').set('other', 'u2');
  await running.clock.advance(60_000);
  assert.equal(running.tokens.size, 3, 'those of pods that are there stay');
  return running;
}

test('all tokens of a pod go when it is gone, or has finished, and not before', async () => {
  const running = await started();
  running.set({ uid: 'u1', deleted: true });
  await running.clock.advance(30_000);
  assert.equal(running.tokens.size, 3, 'it drains');
  running.remove('web-0');
  await running.clock.advance(5000);
  assert.deepEqual([...running.tokens.keys()], ['other']);
  running.set({ name: 'web-1', uid: 'u2', status: { ...READY, phase: 'Succeeded' } });
  await running.clock.advance(5000);
  assert.deepEqual([running.tokens.size, running.told.deleted], [0, 3]);
  await running.stop();
});

test('a pod that ended while nobody looked: after a second look and a new list of pods', async () => {
  const running = await started();
  const lists = running.lists();
  running.tokens.set('left', 'u9').set('new', 'u3');
  await running.clock.advance(600_000 - 60_000 + 5000);
  assert.equal(running.tokens.size, 5, 'one look is none');
  running.faults.refresh = () => running.set({ name: 'web-2', uid: 'u3' });
  await running.clock.advance(10_000);
  assert.deepEqual([...running.tokens.keys()], ['first', 'again', 'other', 'new']);
  assert.ok(running.lists() - lists <= 3);
  await running.stop();
});

test('of a container that was restarted the former token goes, and no other one of the pod', async () => {
  const running = await started();
  const at = (accessor: string, uid: string, minutes: number, services: string): void => {
    running.tokens.set(accessor, uid);
    running.made.set(accessor, { created: minutes * 60_000, services });
  };
  running.tokens.clear();
  at('before', 'u1', 0, 'web');
  at('retried', 'u1', 11, 'web');
  at('now', 'u1', 20, 'web');
  at('other-sidecar', 'u1', 0, 'admin');
  at('other-pod', 'u2', 0, 'web');
  at('unreadable', 'u2', NaN, 'web');
  at('unreadable-alone', 'u2', NaN, 'admin');
  await running.clock.advance(600_000);
  assert.deepEqual(
    [...running.tokens.keys()],
    ['before', 'retried', 'now', 'other-sidecar', 'other-pod', 'unreadable', 'unreadable-alone'].slice(1),
  );
  await running.stop();
});

test('a list of pods that does not come: nothing is deleted', async () => {
  const running = await started();
  running.tokens.set('left', 'u9');
  running.faults.refresh = () => {
    throw new Error('the API server is away');
  };
  await running.clock.advance(700_000);
  assert.equal(running.tokens.size, 4);
  assert.ok(running.told.failed > 0);
  await running.stop();
});

test('what Consul refuses is told once, fails nothing, and is tried again at the next resync', async () => {
  const running = await started();
  running.faults.list = 'forbidden';
  running.remove('web-0');
  await running.clock.advance(1_900_000);
  assert.deepEqual([running.told.refused, running.told.failed], [['Permission denied'], 0]);
  delete running.faults.list;
  running.faults.keeps = 'first';
  await running.clock.advance(600_000);
  assert.deepEqual([...running.tokens.keys()], ['first', 'other']);
  assert.equal(running.told.refused.length, 1);
  assert.ok(!running.told.isWell);
  delete running.faults.keeps;
  await running.clock.advance(600_000);
  assert.deepEqual([[...running.tokens.keys()], running.told.isWell], [['other'], true]);
  await running.stop();
});

test('after a look that failed, a refusal is told again', async () => {
  const running = await started();
  for (const fault of ['forbidden', 'away', 'forbidden'] as const) {
    running.faults.list = fault;
    await running.clock.advance(1_300_000);
  }
  assert.equal(running.told.refused.length, 2);
  assert.ok(running.told.failed > 0);
  await running.stop();
});
