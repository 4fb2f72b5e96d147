/** What an operator sees of the direction to Kubernetes: what is written, when, and what never is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConsulInstance } from '../../../src/catalog/to-kubernetes/consul-service.ts';
import { instance } from '../catalog/to-kubernetes/consul-side.ts';
import { startToK8s } from './running-to-k8s.ts';

const some = [instance('10.0.0.1'), instance('10.0.0.2')];

function services(count: number): Record<string, readonly ConsulInstance[]> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, some]));
}

test('nothing is written before the namespace is listed and Consul was read, then everything is', async () => {
  const run = startToK8s({}, false);
  run.consul({ web: some });
  await run.clock.advance(60_000);
  assert.equal(run.writes.length, 0);
  run.listed();
  await run.clock.advance(1000);
  assert.deepEqual(
    run.writes.map(({ action, kind, name }) => `${action} ${kind} ${name}`),
    ['create Service web', 'create EndpointSlice web-ipv4-8080-1'],
  );
  await run.stop();
});

test('while Consul was never read, what is ours in the namespace stays', async () => {
  const before = startToK8s();
  before.consul({ web: some });
  await before.clock.advance(1000);
  const run = startToK8s();
  const left = before.namespace.raw('Service', 'web');
  assert.ok(left !== undefined);
  run.namespace.interfere('Service', 'web', left);
  await run.clock.advance(3_600_000);
  assert.deepEqual([run.writes.length, run.namespace.services.size], [0, 1]);
  await Promise.all([before.stop(), run.stop()]);
});

test('a service whose instances were not read yet is neither made nor changed nor removed', async () => {
  const run = startToK8s();
  run.consul({ web: some });
  await run.clock.advance(1000);
  const before = run.writes.length;
  run.consul({ web: undefined, new: undefined });
  await run.clock.advance(60_000);
  run.consul({ web: [], new: undefined });
  await run.clock.advance(60_000);
  assert.equal(run.writes.length, before);
  assert.deepEqual([...run.namespace.slices.keys()], ['web-ipv4-8080-1']);
  await run.stop();
});

test('nothing changed, nothing written, however often it is compared', async () => {
  const run = startToK8s();
  run.consul(services(50));
  await run.clock.advance(60_000);
  assert.equal(run.writes.length, 100);
  const plans = run.plans.length;
  run.consul(services(50));
  await run.clock.advance(3_600_000);
  assert.equal(run.writes.length, 100);
  assert.ok(run.plans.length >= plans + 6, 'it did compare');
  await run.stop();
});

test('a change is written after 50 ms of quiet, and one that never rests seven times a second', async () => {
  const run = startToK8s();
  run.consul({ web: some });
  await run.clock.advance(10_000);
  const before = run.writes.length;
  run.consul({ web: [instance('10.0.0.3')] });
  await run.clock.advance(49);
  assert.equal(run.writes.length, before);
  await run.clock.advance(1);
  assert.equal(run.writes.length, before + 1);
  for (let round = 0; round < 100; round += 1) {
    run.consul({ web: [instance(`10.0.0.${round + 10}`)] });
    await run.clock.advance(20);
  }
  const churn = run.writes.length - before - 1;
  assert.ok(churn >= 11 && churn <= 14, `${churn} writes in 2 s`);
  await run.stop();
});

test('what somebody deletes or edits is put back', async () => {
  const run = startToK8s();
  run.consul({ web: some });
  await run.clock.advance(10_000);
  run.namespace.interfere('Service', 'web', undefined);
  await run.clock.advance(1000);
  assert.ok(run.namespace.services.has('web'));
  const slice = run.namespace.raw('EndpointSlice', 'web-ipv4-8080-1');
  assert.ok(slice !== undefined);
  run.namespace.interfere('EndpointSlice', 'web-ipv4-8080-1', { ...slice, endpoints: [] });
  await run.clock.advance(1000);
  assert.equal(run.namespace.slices.get('web-ipv4-8080-1')?.endpoints.length, 2);
  assert.deepEqual(run.writes.at(-1)?.action, 'update');
  await run.stop();
});

test('a Service that somebody else made in our place is left alone, and its slices of ours go', async () => {
  const run = startToK8s();
  run.consul({ web: some });
  await run.clock.advance(10_000);
  run.namespace.interfere('Service', 'web', undefined);
  run.namespace.interfere('Service', 'web', { metadata: {}, spec: { ports: [{ port: 1 }] } });
  await run.clock.advance(60_000);
  assert.equal(run.namespace.services.get('web')?.owner, undefined);
  assert.equal(run.namespace.slices.size, 0);
  assert.deepEqual(
    run.loop.plan()?.conflicts.map(({ problem }) => problem.reason),
    ['name-taken'],
  );
  await run.stop();
});

test('a name that somebody else frees is taken at once', async () => {
  const run = startToK8s();
  run.namespace.interfere('Service', 'web', { metadata: {}, spec: { ports: [{ port: 1 }] } });
  run.consul({ web: some });
  await run.clock.advance(10_000);
  assert.equal(run.writes.length, 0);
  run.namespace.interfere('Service', 'web', undefined);
  await run.clock.advance(200);
  assert.ok(run.writes.some((each) => each.action === 'create' && each.kind === 'Service'));
  await run.stop();
});

test('the deletion guard holds back many removals, and never happen without one', async () => {
  const run = startToK8s();
  run.consul(services(20));
  await run.clock.advance(60_000);
  run.faults.refresh = new Error('no leader');
  run.consul({ s0: some, new: some });
  await run.clock.advance(9000);
  assert.ok(run.namespace.services.has('new'), 'what is new is written meanwhile');
  assert.deepEqual(
    run.guards.map(({ removals }) => removals),
    [38],
  );
  await run.clock.advance(60_000);
  assert.equal(run.namespace.services.size, 21, 'no second look, no removal');
  run.faults.refresh = undefined;
  await run.clock.advance(10_000);
  assert.deepEqual([...run.namespace.services.keys()].toSorted(), ['new', 's0']);
  assert.equal(run.namespace.slices.size, 2);
  await run.stop();
});

test('removals that the second look does not see never happen', async () => {
  const run = startToK8s();
  run.consul(services(20));
  await run.clock.advance(60_000);
  const before = run.writes.length;
  run.consul({ s0: some });
  await run.clock.advance(5000);
  run.consul(services(20));
  await run.clock.advance(60_000);
  assert.equal(run.writes.length, before);
  await run.stop();
});

test('a write that fails is tried again, and an answer that is lost writes nothing twice', async () => {
  const run = startToK8s();
  run.faults.write = { error: new Error('refused'), lost: false };
  run.consul({ web: some });
  await run.clock.advance(60_000);
  assert.ok(run.failures.length > 5);
  run.faults.write = { error: new Error('reset'), lost: true };
  await run.clock.advance(5000);
  run.faults.write = undefined;
  await run.clock.advance(5000);
  assert.deepEqual([run.namespace.services.size, run.namespace.slices.size], [1, 1]);
  const before = run.writes.length;
  await run.clock.advance(60_000);
  assert.equal(run.writes.length, before);
  await run.stop();
});

test('what the watch has not told of yet is not written again', async () => {
  const run = startToK8s();
  run.faults.isDeaf = true;
  run.consul({ web: some });
  await run.clock.advance(1000);
  for (let round = 0; round < 4; round += 1) {
    run.consul({ web: some, [`n${round}`]: undefined });
    await run.clock.advance(1000);
  }
  assert.equal(run.writes.length, 2);
  await run.stop();
});

test('an object that the API server refuses keeps nothing else back, and is tried ever less often', async () => {
  const run = startToK8s();
  run.faults.refused.add('bad');
  run.consul({ bad: some, good: some });
  await run.clock.advance(1000);
  assert.ok(run.namespace.services.has('good'));
  await run.clock.advance(120_000);
  assert.ok(run.refusals.length >= 4 && run.refusals.length <= 8, `${run.refusals.length} in 2 minutes`);
  run.faults.refused.clear();
  await run.clock.advance(300_000);
  assert.ok(run.namespace.services.has('bad'));
  await run.stop();
});

test('a dry run writes nothing; once ends when both sides agree', async () => {
  const dry = startToK8s({ dryRun: true, once: true });
  dry.consul({ web: some });
  await dry.clock.advance(1000);
  assert.deepEqual([dry.writes.length, dry.ended(), dry.plans[0]?.create.length], [0, true, 2]);
  const once = startToK8s({ once: true });
  once.consul({ web: undefined });
  await once.clock.advance(10_000);
  assert.equal(once.ended(), false, 'the instances are not known yet');
  once.consul({ web: some });
  await once.clock.advance(1000);
  assert.deepEqual([once.writes.length, once.ended()], [2, true]);
});

test('while many services come, each gets its slice after its Service, and what is there waits for none of them', async () => {
  const run = startToK8s();
  run.faults.slow = 40;
  run.consul({ web: some, old: some });
  await run.clock.advance(1000);
  run.consul({ ...services(500), web: some, old: some });
  await run.clock.advance(1000);
  const { services: made, slices } = run.namespace;
  assert.ok(made.size > 50 && made.size < 200, `${made.size} Services are there`);
  assert.ok(slices.size >= made.size - 8, `${slices.size} slices of ${made.size} Services`);

  run.consul({ ...services(500), web: [instance('10.0.0.1')] });
  await run.clock.advance(750);
  assert.equal(run.namespace.slices.get('web-ipv4-8080-1')?.endpoints.length, 1);
  assert.equal(run.namespace.services.has('old'), false);

  await run.clock.advance(10_000);
  assert.deepEqual([made.size, slices.size, run.failures.length], [501, 501, 0]);
  await run.stop();
});
