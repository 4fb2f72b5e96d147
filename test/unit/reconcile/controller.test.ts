import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createController, type ControllerParts, type Request } from '../../../src/reconcile/controller.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../../../src/reconcile/deletion-guard.ts';
import { createVirtualClock } from '../controllers/virtual-clock.ts';

type Change = { readonly key: string; readonly action: 'set' | 'delete' };
type Parts = ControllerParts<ReadonlySet<string>, readonly Change[], Change>;

/** Keeps `there` equal to `wanted`. */
function start(
  options: Partial<Pick<Parts, 'dryRun' | 'once' | 'scope' | 'observingShare'>> = {},
  isSynced = true,
) {
  const clock = createVirtualClock();
  const wanted = new Set<string>();
  const there = new Set<string>();
  const requests: Request[] = [];
  const told = {
    applied: [] as (readonly [string, number | undefined])[],
    failed: 0,
    succeeded: 0,
    resumed: 0,
  };
  const faults: {
    refresh?: boolean;
    observe?: boolean;
    /** Too little is known. */
    unknown?: boolean;
    apply?: boolean;
    refused?: string;
    /** Milliseconds of each write. */
    slow?: number;
  } = {};
  let refreshes = 0;
  const synced = Promise.withResolvers<void>();
  if (isSynced) synced.resolve();
  const controller = createController<ReadonlySet<string>, readonly Change[], Change>({
    clock,
    random: () => 0.5,
    resync: 600_000,
    dryRun: false,
    once: false,
    ...options,
    synced: () => synced.promise,
    watch: async () => undefined,
    guard: createDeletionGuard(clock, MANY_AT_ONCE),
    reporter: {
      applied: ({ key, action }, seconds) => told.applied.push([`${action} ${key}`, seconds]),
      refused: () => undefined,
      failed: () => void (told.failed += 1),
      succeeded: () => void (told.succeeded += 1),
    },
    reconciler: {
      refresh: async ({ isConfirmation }) => {
        if (!isConfirmation) return;
        if (faults.refresh === true) throw new Error('no list');
        refreshes += 1;
      },
      observe: async (request) => {
        requests.push(request);
        if (faults.observe === true) throw new Error('no answer');
        if (faults.slow !== undefined)
          await new Promise<void>((resolve) => void clock.after(faults.slow ?? 0, resolve));
        return faults.unknown === true ? undefined : new Set(there);
      },
      plan: (observed, { isFull, keys }) => {
        const all = isFull ? new Set([...wanted, ...observed]) : new Set(keys);
        return [...all].flatMap((key): Change[] => {
          if (wanted.has(key) === observed.has(key)) return [];
          return [{ key, action: wanted.has(key) ? 'set' : 'delete' }];
        });
      },
      deletions: (plan) => ({
        ids: plan.filter(({ action }) => action === 'delete').map(({ key }) => key),
        owned: there.size,
      }),
      withhold: (plan, ids) => plan.filter(({ action, key }) => action === 'set' || !ids.has(key)),
      planned: () => undefined,
      apply: async (plan, writing) => {
        const mayGoOn = writing.turn();
        for (const change of plan) {
          if (!mayGoOn()) writing.left(change.key);
          else if (faults.apply === true) throw new Error('lost');
          else if (faults.refused === change.key) writing.refused(change, 'bad');
          else {
            if (change.action === 'set') there.add(change.key);
            else there.delete(change.key);
            writing.applied(change);
            await new Promise<void>((resolve) => void clock.after(faults.slow ?? 0, resolve));
          }
        }
        if (mayGoOn()) return;
        // Another event, so that it is not quiet any more.
        controller.enqueue('next');
        if (mayGoOn()) told.resumed += 1;
      },
      keyOf: ({ key }) => key,
    },
  });
  const ending = new AbortController();
  let hasEnded = false;
  const running = controller.run(ending.signal).then(() => (hasEnded = true));
  return {
    clock,
    wanted,
    there,
    requests,
    told,
    faults,
    controller,
    refreshes: () => refreshes,
    hasEnded: () => hasEnded,
    listed: () => synced.resolve(),
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

const keys = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `k${index}`);

test('nothing is observed before all is listed; then everything is', async () => {
  const running = start({}, false);
  running.there.add('old');
  await running.clock.advance(60_000);
  assert.deepEqual([running.requests.length, [...running.there]], [0, ['old']]);
  running.listed();
  await running.clock.advance(0);
  assert.deepEqual(running.requests, [{ keys: [], isFull: true, isConfirmation: false }]);
  assert.equal(running.there.size, 0);
  await running.stop();
});

test('an event is about its key alone, and its time is measured; a repair has none', async () => {
  const running = start();
  await running.clock.advance(0);
  running.wanted.add('web').add('unseen');
  running.controller.enqueue('web');
  await running.clock.advance(1000);
  assert.deepEqual(running.requests.at(-1), { keys: ['web'], isFull: false, isConfirmation: false });
  assert.deepEqual(running.told.applied, [['set web', 0.1]]);
  await running.clock.advance(600_000);
  assert.deepEqual(running.told.applied.slice(1), [['set unseen', undefined]], 'a lost event costs time');
  await running.stop();
});

for (const fault of ['observe', 'apply'] as const) {
  test(`after a failure in ${fault} everything is compared, within 5 s of its end`, async () => {
    const running = start();
    await running.clock.advance(0);
    running.faults[fault] = true;
    running.there.add('gone');
    running.controller.enqueue('gone');
    await running.clock.advance(120_000);
    assert.ok(running.told.failed > 10);
    assert.deepEqual([running.told.succeeded, [...running.there]], [1, ['gone']]);
    running.faults[fault] = false;
    await running.clock.advance(5000);
    assert.deepEqual([running.there.size, running.requests.at(-1)?.isFull], [0, true]);
    await running.stop();
  });
}

test('many deletions wait for a refresh of both sides; what is set meanwhile does not', async () => {
  const running = start();
  for (const key of keys(20)) running.there.add(key);
  running.wanted.add('new');
  await running.clock.advance(5000);
  running.controller.enqueue('k0');
  await running.clock.advance(4000);
  assert.deepEqual([running.there.size, running.there.has('new')], [21, true]);
  running.faults.refresh = true;
  await running.clock.advance(60_000);
  assert.equal(running.there.size, 21, 'a refresh that fails confirms nothing');
  running.faults.refresh = false;
  await running.clock.advance(5000);
  assert.deepEqual([[...running.there], running.refreshes()], [['new'], 1]);
  await running.stop();
});

test('while too little is known, nothing is concluded: neither success nor a deletion, and nothing is confirmed', async () => {
  const running = start();
  for (const key of keys(20)) running.there.add(key);
  await running.clock.advance(0);
  const succeeded = running.told.succeeded;
  running.faults.unknown = true;
  await running.clock.advance(60_000);
  assert.deepEqual([running.there.size, running.told.succeeded], [20, succeeded]);
  assert.equal(running.requests.length, 2);
  delete running.faults.unknown;
  await running.clock.advance(600_000 - 51_000);
  assert.equal(running.there.size, 20, 'what waits, waits anew');
  await running.clock.advance(12_000);
  assert.equal(running.there.size, 0);
  await running.stop();
});

test('everything each time, and observing takes no more than its share of the time', async () => {
  const running = start({ scope: 'all', observingShare: 10 });
  await running.clock.advance(0);
  running.faults.slow = 1000;
  for (let count = 0; count < 600; count += 1) {
    running.controller.enqueue('web');
    await running.clock.advance(100);
  }
  assert.equal(running.requests.filter(({ isFull }) => isFull).length, running.requests.length);
  assert.ok(running.requests.length > 5 && running.requests.length <= 7, `${running.requests.length}`);
  await running.stop();
});

test('what is refused is tried again less and less often, and fails nothing', async () => {
  const running = start();
  await running.clock.advance(0);
  running.faults.refused = 'bad';
  running.wanted.add('bad');
  running.controller.enqueue('bad');
  await running.clock.advance(60_000);
  const tries = running.requests.filter((request) => request.keys.includes('bad')).length;
  assert.ok(tries >= 3 && tries <= 5, `${tries} tries`);
  assert.equal(running.told.failed, 0);
  delete running.faults.refused;
  await running.clock.advance(60_000);
  assert.ok(running.there.has('bad'));
  await running.stop();
});

test('what takes long gives way to what is asked meanwhile, and is finished afterwards', async () => {
  const running = start();
  await running.clock.advance(0);
  running.faults.slow = 100;
  for (const key of keys(50)) {
    running.wanted.add(key);
    running.controller.enqueue(key);
  }
  await running.clock.advance(300);
  running.wanted.add('small');
  running.controller.enqueue('small');
  await running.clock.advance(1000);
  assert.ok(running.there.has('small') && running.there.size < 50);
  await running.clock.advance(60_000);
  assert.deepEqual([running.there.size, running.told.resumed], [51, 0]);
  await running.stop();
});

test('a dry run writes nothing, and ends once both sides were compared', async () => {
  const running = start({ dryRun: true, once: true });
  running.wanted.add('web');
  await running.clock.advance(0);
  assert.deepEqual([running.there.size, running.hasEnded()], [0, true]);
});

test('once: it ends when nothing waits any more', async () => {
  const running = start({ once: true });
  for (const key of keys(20)) running.there.add(key);
  await running.clock.advance(9000);
  assert.equal(running.hasEnded(), false);
  await running.clock.advance(2000);
  assert.deepEqual([running.there.size, running.hasEnded()], [0, true]);
});
