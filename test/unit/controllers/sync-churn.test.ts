/** Who waits when pods of Services are replaced all the time, on a clock of its own: what a machine can do is no matter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SLOW_CONSUL, type ConsulLoad } from './consul-load.ts';
import { churn } from './sync-churn.ts';

const SCENE = { services: 500, seconds: 4 };

function slower(factor: number): ConsulLoad {
  return { ...SLOW_CONSUL, cost: (call, size) => factor * SLOW_CONSUL.cost(call, size) };
}

function p99(times: readonly number[]): number {
  assert.ok(times.length >= 10, `${times.length} changes`);
  const ordered = times.toSorted((left, right) => left - right);
  return ordered[Math.floor(ordered.length * 0.99)] ?? NaN;
}

test('while Consul is busy for 60 % of the time, every change takes less than a second', async () => {
  const waits = await churn({ ...SCENE, rate: 250, load: slower(3) });
  assert.ok(waits.busyShare > 0.5 && waits.busyShare < 0.65, `Consul is busy: ${waits.busyShare}`);
  assert.ok(p99(waits.removals) < 1000, `a removal takes ${p99(waits.removals)} ms`);
  assert.ok(p99(waits.readiness) < 1000, `a readiness takes ${p99(waits.readiness)} ms`);
  assert.ok(p99(waits.arrivals) < 1000, `an arrival takes ${p99(waits.arrivals)} ms`);
});

test('with more than Consul can take, what is new waits, and neither a removal nor a readiness', async () => {
  const waits = await churn({ ...SCENE, rate: 250, load: slower(6) });
  assert.ok(p99(waits.arrivals) > 2000, `an arrival takes ${p99(waits.arrivals)} ms`);
  assert.ok(p99(waits.removals) < 1000, `a removal takes ${p99(waits.removals)} ms`);
  assert.ok(p99(waits.readiness) < 1000, `a readiness takes ${p99(waits.readiness)} ms`);
});
