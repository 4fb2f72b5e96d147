import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLatePods } from '../../../src/redirection/late-pods.ts';
import { createVirtualClock } from '../controllers/virtual-clock.ts';

function watched() {
  const clock = createVirtualClock();
  const told: string[] = [];
  return {
    clock,
    told,
    ...createLatePods<{ uid: string; waitsSince?: number }>(clock, ({ uid }) => told.push(uid)),
  };
}

test('a pod is told of when its container has run for 30 s, and each 5 minutes', async () => {
  const { clock, told, podChanged, longest } = watched();
  const waiting = { uid: 'a', waitsSince: clock.now() };
  podChanged(undefined, { uid: 'a' });
  podChanged({ uid: 'a' }, waiting);
  await clock.advance(29_000);
  assert.deepEqual(told, []);
  assert.equal(longest(), 29);
  podChanged(waiting, { ...waiting });
  await clock.advance(1000);
  assert.deepEqual(told, ['a']);
  await clock.advance(600_000);
  assert.deepEqual(told, ['a', 'a', 'a']);
  podChanged(waiting, { uid: 'a' });
  await clock.advance(600_000);
  assert.equal(told.length, 3);
  assert.equal(longest(), 0);
});

test('who starts to watch late tells at once, and nothing of a pod that is gone', async () => {
  const { clock, told, podChanged, stop } = watched();
  const waiting = { uid: 'a', waitsSince: clock.now() - 60_000 };
  podChanged(undefined, waiting);
  podChanged(waiting, undefined);
  podChanged(undefined, { ...waiting, uid: 'b' });
  await clock.advance(1);
  assert.deepEqual(told, ['b']);
  stop();
  await clock.advance(600_000);
  assert.deepEqual(told, ['b']);
});

test('the first of very many that wait is found', () => {
  const { clock, podChanged, longest, stop } = watched();
  for (let index = 0; index < 200_000; index += 1)
    podChanged(undefined, { uid: String(index), waitsSince: clock.now() - (index === 7 ? 5000 : 0) });
  assert.equal(longest(), 5);
  stop();
});
