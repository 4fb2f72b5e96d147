/** The calls of the registrar, by themselves: what a read of few instances has, and what a transaction keeps of an instance. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openConsul } from '../../../src/consul/client.ts';
import { connectCatalog } from '../../../src/consul/connect-catalog.ts';
import { isEmptyNodePlan, planNode } from '../../../src/catalog/mesh/node-plan.ts';
import { registrationsOf, type PodRegistration } from '../../../src/catalog/mesh/pod-registration.ts';
import { CLUSTER, podOf, theirsOf } from '../../unit/catalog/mesh/injected-pods.ts';
import { startConsul } from '../harness/consul.ts';
import { startScene } from '../harness/scene.ts';

const scene = await startScene(['consul']);
const consul = await startConsul(scene);
const client = await openConsul({
  addresses: () => [consul.url],
  token: { kind: 'none' },
  caFile: undefined,
  serverName: undefined,
  datacenter: undefined,
  namespace: undefined,
});
scene.atEnd(() => client.close());
const catalog = connectCatalog(client);
const { signal } = new AbortController();
const NODE = 'k8s-c1-node-1';

async function idsOf(ids?: readonly string[]): Promise<readonly string[]> {
  return (await catalog.read(NODE, signal, ids)).instances.map(({ id }) => id).toSorted();
}

const services = (registrations: readonly PodRegistration[]): readonly PodRegistration[] =>
  registrations.filter(({ proxy }) => proxy === undefined);

test('a service that a transaction has written is the one that is wanted, with its check', async () => {
  const wanted = ['web-0', 'web-1'].flatMap((name) => registrationsOf(podOf({ name }), CLUSTER));
  assert.deepEqual(await catalog.registerServices(services(wanted), signal), {
    kind: 'refused',
    reason: 'Missing node registration',
  });
  for (const each of wanted.filter(({ proxy }) => proxy !== undefined))
    assert.deepEqual(await catalog.register(each, 'c1', signal), { kind: 'applied' });
  assert.deepEqual(await catalog.registerServices(services(wanted), signal), { kind: 'applied' });
  const whole = await catalog.read(NODE, signal);
  const plan = planNode(NODE, wanted, whole, 'c1');
  assert.ok(isEmptyNodePlan(plan), JSON.stringify(plan));

  const checks = wanted.flatMap(({ id, name, check }) =>
    check === undefined ? [] : [{ node: NODE, id, name, check: { ...check, status: 'critical' as const } }],
  );
  assert.deepEqual(await catalog.setChecks(checks, signal), { kind: 'applied' });
  const { instances } = await catalog.read(NODE, signal);
  assert.deepEqual(
    instances.map(({ check }) => check?.status),
    ['critical', 'critical', 'critical', 'critical'],
  );
});

test('a read of few instances has what their ids may be mistaken for, with its checks, and not the others', async () => {
  const [theirs] = theirsOf({ name: 'web-2' });
  assert.ok(theirs?.check !== undefined);
  const other = {
    ...theirs,
    id: 'Default.WEB-2.web',
    check: { ...theirs.check, id: 'Default.WEB-2.web-readiness' },
  };
  assert.deepEqual(await catalog.register(other, 'c2', signal), { kind: 'applied' });
  assert.deepEqual(await idsOf(['default.web-1.web', 'default.web-2.web']), [
    'Default.WEB-2.web',
    'default.web-1.web',
  ]);
  const { node, instances } = await catalog.read(NODE, signal, ['default.web-2.web']);
  assert.equal(node?.meta['tandem-owner'], 'c1');
  assert.deepEqual(
    instances.map(({ check }) => check?.status),
    ['passing'],
  );
});
