import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syntheticNodeName } from '../../../src/inject/names.ts';
import { TandemError } from '../../../src/support/errors.ts';
import { ADDRESSES, READY, theirsOf } from '../catalog/mesh/injected-pods.ts';
import { startRegistrar, type RunningRegistrar } from './running-registrar.ts';

const PASSING = [
  'k8s-c1-node-1 default.web-0.web passing',
  'k8s-c1-node-1 default.web-0.web-sidecar-proxy passing',
];

async function started(): Promise<RunningRegistrar> {
  const running = startRegistrar();
  await running.clock.advance(0);
  running.set({});
  await running.clock.advance(1000);
  assert.deepEqual(running.consul.instances(), PASSING);
  running.writes.length = 0;
  return running;
}

test('a pod is in Consul within 200 ms of its event, and out of it with its node', async () => {
  const running = startRegistrar();
  const { clock, consul } = running;
  await clock.advance(0);
  running.set({});
  await clock.advance(200);
  assert.deepEqual(consul.instances(), PASSING);
  running.remove('web-0');
  await clock.advance(200);
  assert.deepEqual(consul.nodes(), []);
  assert.ok(running.seconds.every((seconds) => seconds !== undefined && seconds <= 0.2));
  await running.stop();
});

test('readiness is one write for all pods of a node', async () => {
  const running = await started();
  running.set({ name: 'web-1' });
  await running.clock.advance(1000);
  running.writes.length = 0;
  running.set({ status: ADDRESSES });
  running.set({ name: 'web-1', status: ADDRESSES });
  await running.clock.advance(1000);
  assert.deepEqual(running.writes, ['checks k8s-c1-node-1']);
  await running.stop();
});

test('nothing is read or written before the list of pods is whole', async () => {
  const before = await started();
  const full = startRegistrar({}, before.consul, false);
  await full.clock.advance(60_000);
  assert.deepEqual([full.reads(), full.writes], [0, []]);
  full.set({});
  full.listed();
  await full.clock.advance(60_000);
  assert.deepEqual(full.writes, [], 'a restart with nothing changed writes nothing');
  await full.stop();
  await before.stop();
});

test('a resync with nothing changed writes nothing; what somebody removed comes back', async () => {
  const running = await started();
  await running.clock.advance(600_000);
  assert.deepEqual(running.writes, []);
  running.consul.deregister('k8s-c1-node-1', 'default.web-0.web');
  await running.clock.advance(600_000);
  assert.deepEqual(running.writes, ['register default.web-0.web']);
  await running.stop();
});

test('what somebody else removes or changes is back within 2 s; our own writes are no drift', async () => {
  const running = await started();
  await running.clock.advance(10_000);
  assert.deepEqual(running.writes, []);
  assert.ok(running.looks() <= 3, `${running.looks()} looks after one change of our own`);
  running.interfere((consul) => consul.deregister('k8s-c1-node-1', 'default.web-0.web'));
  await running.clock.advance(2000);
  assert.deepEqual(running.consul.instances(), PASSING);
  running.interfere((consul) => consul.removeNode('k8s-c1-node-1'));
  await running.clock.advance(2000);
  assert.deepEqual(running.consul.instances(), PASSING);
  await running.stop();
});

test('a pod replaced under its name never loses the new instance, on the same node and on another', async () => {
  const running = await started();
  const { clock, consul } = running;
  running.set({ uid: 'second', deleted: false });
  await clock.advance(1000);
  assert.deepEqual(consul.instances(), PASSING);
  assert.deepEqual(running.writes, [
    'register default.web-0.web',
    'register default.web-0.web-sidecar-proxy',
  ]);
  running.set({ uid: 'third', node: 'node-2' });
  await clock.advance(1000);
  assert.deepEqual(
    consul.instances(),
    PASSING.map((text) => text.replace('node-1', 'node-2')),
  );
  assert.deepEqual(consul.nodes(), ['k8s-c1-node-2']);
  await running.stop();
});

test('finished, evicted, lost: out at once, although the pod is still there', async () => {
  for (const status of [
    { ...ADDRESSES, phase: 'Succeeded' },
    { ...ADDRESSES, phase: 'Failed', reason: 'Evicted' },
    { ...ADDRESSES, reason: 'NodeLost' },
  ]) {
    const running = await started();
    running.set({ status });
    await running.clock.advance(200);
    assert.deepEqual(running.consul.instances(), []);
    assert.deepEqual(running.consul.nodes(), [], 'nothing else is on the node');
    await running.stop();
  }
});

test('terminating: critical, and there until the pod is gone', async () => {
  const running = await started();
  running.set({ deleted: true });
  await running.clock.advance(200);
  assert.deepEqual(
    running.consul.instances(),
    PASSING.map((text) => text.replace('passing', 'critical')),
  );
  await running.stop();
});

test('Consul away in the middle of churn: nothing is removed, and one comparison repairs all when it is back', async () => {
  const running = await started();
  const { clock, consul, faults } = running;
  const before = consul.dump();
  faults.read = { node: '*', error: new Error('no leader') };
  running.set({ name: 'web-1' });
  running.remove('web-0');
  await clock.advance(600_000);
  assert.equal(consul.dump(), before);
  assert.ok(running.failures.length > 3);
  assert.ok(running.failures.length < 600, 'it backs off');
  faults.read = undefined;
  await clock.advance(5000);
  assert.deepEqual(
    consul.instances(),
    PASSING.map((text) => text.replaceAll('web-0', 'web-1')),
  );
  await running.stop();
});

test('one node that cannot be read: nothing is removed on any', async () => {
  const running = await started();
  running.set({ name: 'other', node: 'node-2' });
  await running.clock.advance(1000);
  const before = running.consul.dump();
  running.faults.read = { node: 'k8s-c1-node-2', error: new Error('cut off') };
  running.remove('other');
  running.remove('web-0');
  await running.clock.advance(60_000);
  assert.equal(running.consul.dump(), before);
  await running.stop();
});

test('an answer that is lost is asked for again, and the same is not written twice', async () => {
  const running = await started();
  running.faults.write = { error: new Error('lost'), lost: true };
  running.set({ status: ADDRESSES });
  await running.clock.advance(200);
  running.faults.write = undefined;
  await running.clock.advance(5000);
  assert.deepEqual(running.writes, ['checks k8s-c1-node-1']);
  await running.stop();
});

test('what Consul refuses is reported on the pod, the others go through, and it is tried again', async () => {
  const running = await started();
  running.faults.refused = new Set(['default.bad.web']);
  running.set({ name: 'bad' });
  running.set({ name: 'good' });
  await running.clock.advance(1000);
  assert.deepEqual(running.refusals, ['default.bad.web']);
  assert.ok(running.consul.instances().includes('k8s-c1-node-1 default.good.web passing'));
  running.faults.refused = new Set();
  await running.clock.advance(10_000);
  assert.ok(running.consul.instances().includes('k8s-c1-node-1 default.bad.web passing'));
  await running.stop();
});

test('a pod that Consul refuses again and again keeps nobody from the pods beside it', async () => {
  const running = await started();
  running.faults.refused = new Set(['default.bad.web', 'default.bad.web-sidecar-proxy']);
  running.set({ name: 'bad' });
  await running.clock.advance(60_000);
  const tries = running.refusals.length;
  running.interfere((consul) => consul.deregister('k8s-c1-node-1', 'default.web-0.web'));
  await running.clock.advance(2000);
  assert.ok(running.consul.instances().includes('k8s-c1-node-1 default.web-0.web passing'));
  const looks = running.reads();
  await running.clock.advance(10_000);
  assert.equal(running.reads(), looks);
  assert.ok(running.refusals.length <= tries + 2, 'tried once more, by the way');
  await running.stop();
});

test('readiness that Consul does not take of one pod is no reason to keep that of the others', async () => {
  const running = await started();
  running.set({ name: 'bad' });
  await running.clock.advance(1000);
  running.faults.refused = new Set(['default.bad.web']);
  const unready = { ...READY, conditions: [{ type: 'Ready', status: 'False' }] };
  for (const name of ['bad', 'web-0']) running.set({ name, status: unready });
  await running.clock.advance(1000);
  const found = running.consul.instances();
  assert.ok(found.includes('k8s-c1-node-1 default.web-0.web critical'), found.join());
  assert.ok(found.includes('k8s-c1-node-1 default.bad.web passing'), found.join());
  await running.stop();
});

test('a namespace with hundreds of new pods keeps no pod of another one waiting', async () => {
  const running = await started();
  running.faults.slow = 100;
  for (let at = 0; at < 400; at += 1) running.set({ name: `a-${at}`, namespace: 'aaa' });
  running.set({ name: 'late', uid: 'late' });
  await running.clock.advance(1500);
  const found = running.consul.instances();
  assert.ok(found.includes('k8s-c1-node-1 default.late.web-sidecar-proxy passing'));
  assert.ok(found.length < 400, 'those of the other namespace are far from ready');
  await running.clock.advance(30_000);
  assert.equal(running.consul.instances().length, 804);
  await running.stop();
});

test('many pods that are missing without having ended are looked for again; those that ended go at once', async () => {
  const running = startRegistrar();
  const { clock, consul } = running;
  await clock.advance(0);
  for (let index = 0; index < 20; index += 1) running.set({ name: `web-${index}` });
  await clock.advance(1000);
  for (let index = 0; index < 10; index += 1) running.remove(`web-${index}`);
  await clock.advance(500);
  assert.equal(consul.instances().length, 20);
  assert.equal(running.guards.length, 0);
  for (let index = 10; index < 20; index += 1) running.remove(`web-${index}`, 'sudden');
  await clock.advance(5000);
  assert.equal(consul.instances().length, 20);
  assert.deepEqual(
    running.guards.map(({ removals }) => removals),
    [20],
  );
  // Another event of the same node is no second look.
  running.set({ name: 'web-0' });
  await clock.advance(1000);
  assert.equal(consul.instances().length, 22);
  running.remove('web-0');
  await clock.advance(1000);
  assert.equal(consul.instances().length, 20);
  running.faults.refresh = new Error('the API server is away');
  await clock.advance(60_000);
  assert.equal(consul.instances().length, 20);
  running.faults.refresh = undefined;
  await clock.advance(10_000);
  assert.deepEqual(consul.nodes(), []);
  await running.stop();
});

test('pods that end together leave in one write; one that Consul keeps does not keep the others', async () => {
  const running = await started();
  for (const name of ['web-1', 'stays']) running.set({ name });
  running.set({ name: 'web-2', node: 'node-2' });
  await running.clock.advance(1000);
  running.writes.length = 0;
  running.faults.refused = new Set(['default.web-1.web']);
  for (const name of ['web-0', 'web-1', 'web-2']) running.remove(name);
  await running.clock.advance(300);
  assert.equal(running.writes[0]?.split(' ').length, 7);
  const left = running.consul.instances().filter((each) => !each.includes('stays'));
  assert.deepEqual(left, ['k8s-c1-node-1 default.web-1.web passing']);
  assert.deepEqual(running.refusals, ['default.web-1.web']);
  running.writes.length = 0;
  running.faults.refused = new Set();
  await running.clock.advance(10_000);
  assert.deepEqual(running.writes.slice(0, 1), ['deregister default.web-1.web']);
  await running.stop();
});

test('what is dead is written first, then readiness, then what is new', async () => {
  const running = await started();
  running.set({ name: 'web-1' });
  await running.clock.advance(1000);
  running.writes.length = 0;
  running.set({ name: 'web-2' });
  running.set({ name: 'web-1', status: ADDRESSES });
  running.remove('web-0');
  await running.clock.advance(1000);
  assert.deepEqual(
    running.writes.map((write) => write.split(' ')[0]),
    ['deregister', 'checks', 'register', 'register'],
  );
  await running.stop();
});

test('a pod that ends while hundreds are registered does not wait for them, and all of them come', async () => {
  const running = await started();
  const { clock, consul, faults } = running;
  faults.slow = 100;
  for (let index = 0; index < 300; index += 1)
    running.set({ name: `new-${index}`, node: `node-${index % 6}` });
  await clock.advance(1000);
  running.remove('web-0');
  await clock.advance(2000);
  const left = consul.instances();
  assert.deepEqual(
    left.filter((each) => each.includes('web-0')),
    [],
  );
  assert.ok(left.length < 600, 'the others are not there yet');
  await clock.advance(10_000);
  assert.equal(consul.instances().length, 600);
  assert.equal(running.writes.filter((write) => write.startsWith('register')).length, 600);
  await running.stop();
});

test('another owner on the same node is not touched', async () => {
  const running = await started();
  for (const each of theirsOf({ name: 'web-8' })) running.consul.register(each, 'c2');
  running.set({ name: 'web-8' });
  running.set({ name: 'web-9' });
  await running.clock.advance(1000);
  assert.deepEqual(running.writes, [
    'register default.web-9.web',
    'register default.web-9.web-sidecar-proxy',
  ]);
  assert.deepEqual(
    running.registrar.statuses().map(({ source, reason }) => `${source} ${reason}`),
    ['Pod/default/web-0 registered', 'Pod/default/web-8 id-taken', 'Pod/default/web-9 registered'],
  );
  running.remove('web-8');
  running.remove('web-9');
  await running.clock.advance(1000);
  assert.equal(running.consul.instances().length, 4);
  await running.stop();
});

test('a dry run writes nothing', async () => {
  const running = startRegistrar({ dryRun: true });
  await running.clock.advance(0);
  running.set({});
  await running.clock.advance(1000);
  assert.deepEqual(running.writes, []);
  await running.stop();
});

test('a stop ends it, also while it waits', async () => {
  const running = await started();
  await running.stop();
});

test('what is counted as ours is what Consul has, right after it was written', async () => {
  const run = startRegistrar();
  run.set({ name: 'a' });
  run.set({ name: 'b' });
  await run.clock.advance(1000);
  assert.equal(run.registrar.counts().owned, 4);
  run.remove('a');
  await run.clock.advance(1000);
  assert.equal(run.registrar.counts().owned, 2);
  await run.stop();
});

test('an id that another holder gives up is taken within 2 s, and nothing but its node is read until then', async () => {
  const running = await started();
  for (const each of theirsOf({ name: 'web-8' })) running.consul.register(each, 'c2');
  running.set({ name: 'web-8' });
  running.set({ name: 'web-9', node: 'node-2' });
  await running.clock.advance(1000);
  const before = running.reads();
  await running.clock.advance(60_000);
  assert.ok(running.reads() - before <= 60, `${running.reads() - before} reads in a minute`);
  for (const id of ['default.web-8.web', 'default.web-8.web-sidecar-proxy'])
    running.consul.deregister('k8s-c1-node-1', id);
  await running.clock.advance(2000);
  assert.ok(running.consul.instances().includes('k8s-c1-node-1 default.web-8.web passing'));
  assert.equal(
    running.registrar.statuses().find(({ source }) => source.endsWith('web-8'))?.reason,
    'registered',
  );
  await running.stop();
});

test('a pod is in Consul as soon as it has a node, critical; its addresses complete it', async () => {
  const running = startRegistrar();
  const { clock, consul } = running;
  await clock.advance(0);
  running.node({ name: 'node-1', address: '10.0.0.1', podCidr: '10.1.0.0/24' });
  running.set({ status: {} });
  await clock.advance(200);
  assert.deepEqual(
    consul.instances(),
    PASSING.map((text) => text.replace('passing', 'critical')),
  );
  const bound = (): readonly unknown[] =>
    consul
      .read('k8s-c1-node-1')
      .instances.map(({ address, proxy }) => [address, proxy.config['bind_address']]);
  assert.deepEqual(bound(), [
    ['', undefined],
    ['', '0.0.0.0'],
  ]);
  running.set({});
  await clock.advance(200);
  assert.deepEqual(consul.instances(), PASSING);
  assert.deepEqual(bound(), [
    ['10.1.0.1', undefined],
    ['10.1.0.1', '0.0.0.0'],
  ]);
  await running.stop();
});

test('a pod whose node is not known yet is registered when it is', async () => {
  const running = startRegistrar();
  const { clock, consul } = running;
  await clock.advance(0);
  running.set({ status: {} });
  await clock.advance(10_000);
  assert.deepEqual(consul.instances(), []);
  assert.equal(running.registrar.statuses()[0]?.reason, 'not-scheduled');
  running.node({ name: 'node-1', address: '10.0.0.1', podCidr: undefined });
  await clock.advance(200);
  assert.equal(consul.instances().length, 2);
  await running.stop();
});

test('a Service that comes renames its pods under their ids, and one that goes gives them back their name', async () => {
  const running = startRegistrar();
  const { clock, consul } = running;
  await clock.advance(0);
  running.set({ labels: { app: 'web' } });
  await clock.advance(1000);
  const names = (): readonly string[] => consul.read('k8s-c1-node-1').instances.map(({ name }) => name);
  assert.deepEqual(names(), ['web', 'web-sidecar-proxy']);
  running.service('shop', { app: 'web' });
  await clock.advance(200);
  assert.deepEqual(names(), ['shop', 'shop-sidecar-proxy']);
  assert.deepEqual(running.registrar.statuses()[0]?.service, { name: 'shop', reason: 'kubernetes-service' });
  running.writes.length = 0;
  running.service('other', { app: 'other' });
  running.service('shop', { app: 'web' });
  await clock.advance(1000);
  assert.deepEqual(running.writes, []);
  running.service('shop', undefined);
  await clock.advance(200);
  assert.deepEqual(names(), ['web', 'web-sidecar-proxy']);
  await running.stop();
});

test('pods that log in: what a ServiceAccount names is registered, and not any more when it does not', async () => {
  const running = startRegistrar({ podsLogIn: true });
  const { clock, consul } = running;
  await clock.advance(0);
  running.set({});
  await clock.advance(1000);
  assert.deepEqual(consul.instances(), []);
  assert.equal(running.statuses.get('k8s-c1-node-1')?.[0]?.reason, 'other-service-account');
  running.account('default', 'web');
  await clock.advance(200);
  assert.deepEqual(consul.instances(), PASSING);
  running.account('default', 'other');
  await clock.advance(200);
  assert.deepEqual(consul.instances(), []);
  await running.stop();
});

const SEVERAL = { 'connect-service': 'web,admin', 'connect-service-port': '8080,9090' };
const ofSeveral = (status: string): readonly string[] =>
  ['admin', 'admin-sidecar-proxy', 'web', 'web-sidecar-proxy'].map(
    (id) => `k8s-c1-node-1 default.web-0.${id} ${status}`,
  );

test('of a pod with several services all come, turn critical, are given back and go together', async () => {
  const running = await started();
  const { clock, consul } = running;
  const present = (): readonly string[] => consul.instances().toSorted();
  running.set({ annotations: SEVERAL });
  await clock.advance(1000);
  assert.deepEqual(present(), ofSeveral('passing'));
  const [status] = running.registrar.statuses();
  assert.deepEqual(
    status?.instances.map(({ id }) => `k8s-c1-node-1 ${id} passing`).toSorted(),
    ofSeveral('passing'),
  );
  const reads = running.wholeReads();
  running.set({ annotations: SEVERAL, status: ADDRESSES });
  await clock.advance(1000);
  assert.deepEqual(present(), ofSeveral('critical'));
  assert.equal(running.wholeReads(), reads, 'no more is read than its instances');
  running.faults.refused = new Set(['default.web-0.admin-sidecar-proxy']);
  running.interfere((of) => of.deregister('k8s-c1-node-1', 'default.web-0.admin-sidecar-proxy'));
  await clock.advance(5000);
  running.faults.refused = new Set();
  await clock.advance(120_000);
  assert.deepEqual(present(), ofSeveral('critical'));
  running.remove('web-0');
  await clock.advance(1000);
  assert.deepEqual(present(), []);
  await running.stop();
});

test('several services of pods that log in: all wait for the ServiceAccount of each', async () => {
  const running = startRegistrar({ podsLogIn: true });
  const { clock, consul } = running;
  await clock.advance(0);
  running.set({ annotations: SEVERAL, serviceAccount: 'web' });
  await clock.advance(1000);
  assert.deepEqual(consul.instances(), []);
  running.account('admin', undefined);
  await clock.advance(1000);
  assert.deepEqual(consul.instances().toSorted(), ofSeveral('passing'));
  await running.stop();
});

test('a pod stands with its instances and how their checks were written last', async () => {
  const running = await started();
  const standing = (): readonly string[] | undefined =>
    running.registrar.statuses()[0]?.instances.map(({ id, status }) => `${id} ${status}`);
  assert.deepEqual(standing(), ['default.web-0.web passing', 'default.web-0.web-sidecar-proxy passing']);
  running.set({ status: ADDRESSES });
  await running.clock.advance(1000);
  assert.deepEqual(standing(), ['default.web-0.web critical', 'default.web-0.web-sidecar-proxy critical']);
  running.faults.refused = new Set(['default.web-1.web-sidecar-proxy']);
  running.set({ name: 'web-1' });
  await running.clock.advance(1000);
  assert.deepEqual(
    running.registrar.statuses()[1]?.instances.map(({ status }) => status),
    ['passing', 'missing'],
  );
  await running.stop();
});

test('a node that Consul answers with nonsense is named, and the others go on', async () => {
  const running = startRegistrar();
  running.faults.read = {
    node: syntheticNodeName('c1', 'node-1'),
    error: new TandemError('TANDEM_CONSUL_ANSWER_INVALID', 'status 301'),
  };
  running.set({ name: 'a', node: 'node-1' });
  running.set({ name: 'b', node: 'node-2' });
  await running.clock.advance(500);
  assert.deepEqual(running.failures, []);
  assert.deepEqual([...new Set(running.unreadable)], ['k8s-c1-node-1']);
  assert.ok(
    running.writes.some((text) => text === 'register default.b.web'),
    running.writes.join(),
  );
  await running.clock.advance(60_000);
  assert.deepEqual(running.failures, [], 'trying again fails no pass either');
  running.faults.read = undefined;
  await running.clock.advance(60_000);
  assert.ok(
    running.writes.some((text) => text === 'register default.a.web'),
    running.writes.join(),
  );
  await running.stop();
});

test('on a node that cannot be read as a whole, an event of one pod does not hide that the id of another is taken', async () => {
  const running = await started();
  for (const each of theirsOf({ name: 'web-1' })) running.consul.register(each, 'c2');
  running.faults.read = {
    node: syntheticNodeName('c1', 'node-1'),
    error: new TandemError('TANDEM_CONSUL_ANSWER_INVALID', 'status 301'),
    wholeOnly: true,
  };
  // After a failure everything is compared, and that finds the node.
  running.faults.write = { error: new Error('no leader'), lost: false };
  running.set({ name: 'web-2' });
  await running.clock.advance(300);
  running.faults.write = undefined;
  await running.clock.advance(5000);
  running.set({ name: 'web-1' });
  await running.clock.advance(1000);
  running.set({ name: 'web-2', status: ADDRESSES });
  await running.clock.advance(1000);
  assert.ok(running.unreadable.length > 0);
  const statuses = running.registrar.statuses().map(({ source, reason }) => `${source} ${reason}`);
  assert.ok(statuses.includes('Pod/default/web-1 id-taken'), statuses.join());
  await running.stop();
});

test('a change of a few pods reads no more of their node than these; what may be wrong there, all of it', async () => {
  const running = await started();
  for (let index = 1; index < 10; index += 1) running.set({ name: `web-${index}` });
  await running.clock.advance(10_000);
  const before = running.wholeReads();
  running.set({ name: 'web-1', status: ADDRESSES });
  running.remove('web-2');
  running.set({ name: 'web-10' });
  await running.clock.advance(1000);
  assert.equal(running.wholeReads(), before);
  assert.equal(running.consul.instances().length, 20);
  for (const each of theirsOf({ name: 'web-11' })) running.consul.register(each, 'c2');
  running.set({ name: 'web-11' });
  await running.clock.advance(500);
  running.set({ name: 'web-12' });
  await running.clock.advance(500);
  assert.ok(running.wholeReads() > before);
  const statuses = running.registrar.statuses().map(({ source, reason }) => `${source} ${reason}`);
  assert.ok(statuses.includes('Pod/default/web-11 id-taken'), statuses.join());
  assert.ok(statuses.includes('Pod/default/web-12 registered'), statuses.join());
  await running.stop();
});

test('what waits is counted, with the age of the oldest, also while Consul is away', async () => {
  const running = await started();
  assert.deepEqual(running.registrar.backlog(), { keys: 0, seconds: 0 });
  running.faults.read = { node: '*', error: new Error('no leader') };
  running.set({ name: 'web-1' });
  running.set({ name: 'web-2' });
  await running.clock.advance(60_000);
  assert.deepEqual(running.registrar.backlog(), { keys: 2, seconds: 60 });
  running.faults.read = undefined;
  await running.clock.advance(5000);
  assert.deepEqual(running.registrar.backlog(), { keys: 0, seconds: 0 });
  await running.stop();
});
