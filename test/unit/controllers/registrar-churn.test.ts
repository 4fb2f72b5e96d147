/** Who waits when pods are replaced all the time, on a clock of its own: what a machine can do is no matter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SLOW_CONSUL } from './consul-load.ts';
import { churn } from './registrar-churn.ts';

const SCENE = { pods: 600, nodes: 12, seconds: 3 };

function p99(times: readonly number[]): number {
  assert.ok(times.length >= 10, `${times.length} changes`);
  const ordered = times.toSorted((left, right) => left - right);
  return ordered[Math.floor(ordered.length * 0.99)] ?? NaN;
}

test('while Consul is busy for 60 % of the time, a deletion and a readiness take less than a second', async () => {
  const waits = await churn({ ...SCENE, rate: 64 });
  assert.ok(waits.busyShare > 0.5 && waits.busyShare < 0.65, `Consul is busy: ${waits.busyShare}`);
  assert.ok(p99(waits.deletions) < 1000, `a deletion takes ${p99(waits.deletions)} ms`);
  assert.ok(p99(waits.readiness) < 1000, `a readiness takes ${p99(waits.readiness)} ms`);
  assert.ok(p99(waits.arrivals) < 1000, `an arrival takes ${p99(waits.arrivals)} ms`);
});

test('with more than Consul can take, what is new waits, and neither a deletion nor a readiness', async () => {
  const cost: typeof SLOW_CONSUL.cost = (call, size) =>
    SLOW_CONSUL.cost(call, size) * (call === 'register' ? 4 : 1);
  const waits = await churn({ ...SCENE, rate: 80, load: { ...SLOW_CONSUL, cost } });
  assert.ok(p99(waits.arrivals) > 2000, `an arrival takes ${p99(waits.arrivals)} ms`);
  assert.ok(p99(waits.deletions) < 700, `a deletion takes ${p99(waits.deletions)} ms`);
  assert.ok(p99(waits.readiness) < 700, `a readiness takes ${p99(waits.readiness)} ms`);
});
