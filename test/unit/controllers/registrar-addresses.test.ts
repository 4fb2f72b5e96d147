/** Cluster addresses in Consul: which pod gets which, and that no two services ever have one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TandemError } from '../../../src/support/errors.ts';
import { createConsulNodes } from '../catalog/mesh/consul-nodes.ts';
import { podOf, theirsOf } from '../catalog/mesh/injected-pods.ts';
import { redirected, startWithAddresses, type RunningAddresses } from './running-addresses.ts';

const API = { app: 'api' };
const WEB = { app: 'web' };

test('a pod has the address of its Service, whichever of them comes first, and loses it with it', async () => {
  const running = await startWithAddresses();
  const { clock, addresses } = running;
  running.set(redirected('api-0', 'api'));
  await clock.advance(200);
  assert.deepEqual(addresses(), []);
  running.service('api', API, '10.96.0.1');
  await clock.advance(200);
  assert.deepEqual(addresses(), ['api 10.96.0.1:80']);
  running.service('web', WEB, '10.96.0.2');
  running.set(redirected('web-0', 'web'));
  await clock.advance(200);
  assert.deepEqual(addresses(), ['api 10.96.0.1:80', 'web 10.96.0.2:80']);
  running.service('api', API, '10.96.0.3');
  await clock.advance(200);
  assert.deepEqual(addresses(), ['api 10.96.0.3:80', 'web 10.96.0.2:80']);
  running.service('web', undefined);
  running.service('api', { app: 'nothing' }, '10.96.0.3');
  await clock.advance(200);
  assert.deepEqual(addresses(), []);
  assert.deepEqual(running.asked, [], 'where all names agree, nobody is asked');
  await running.stop();
});

test('a restart with nothing changed writes nothing, and asks nothing', async () => {
  const before = await startWithAddresses();
  before.service('api', API, '10.96.0.1');
  before.set(redirected('api-0', 'api'));
  await before.clock.advance(1000);
  const after = await startWithAddresses({}, before.consul, false);
  after.service('api', API, '10.96.0.1');
  after.set(redirected('api-0', 'api'));
  after.listed();
  await after.clock.advance(1_200_000);
  assert.deepEqual([after.writes, after.asked], [[], []]);
  await before.stop();
  await after.stop();
});

test('a pod that came while nobody looked gets the address that others of its service have', async () => {
  const before = await startWithAddresses();
  before.service('api', API, '10.96.0.1');
  before.set(redirected('api-1', 'api'));
  await before.clock.advance(1000);
  await before.stop();
  const after = await startWithAddresses({}, before.consul, false);
  after.service('api', API, '10.96.0.1');
  after.set(redirected('api-0', 'api', 'api', { uid: 'u0' }));
  after.set(redirected('api-1', 'api'));
  after.set(redirected('api-2', 'api', 'api', { uid: 'u2' }));
  after.listed();
  await after.clock.advance(2000);
  assert.deepEqual(
    after.consul
      .nodes()
      .flatMap((node) => after.consul.read(node).instances.flatMap(({ virtual }) => virtual?.address ?? [])),
    ['10.96.0.1', '10.96.0.1', '10.96.0.1'],
  );
  await after.stop();
});

function pods(running: RunningAddresses, app: string, count = 20): void {
  for (let n = 0; n < count; n += 1)
    running.set(redirected(`${app}-${n}`, app, app, { node: `node-${n % 4}`, uid: `${app}-${n}` }));
}

test('an address goes to another service when the first has lost it on all nodes', async () => {
  const running = await startWithAddresses();
  const { clock, faults, addresses } = running;
  running.service('api', API, '10.96.0.1');
  pods(running, 'api');
  pods(running, 'web');
  await clock.advance(5000);
  faults.slow = 50;
  running.service('api', undefined);
  running.service('web', WEB, '10.96.0.1');
  await clock.advance(10_000);
  assert.deepEqual(addresses(), ['web 10.96.0.1:80']);
  running.service('web', API, '10.96.0.1');
  await clock.advance(10_000);
  assert.deepEqual(addresses(), ['api 10.96.0.1:80']);
  assert.deepEqual(running.clashes, []);
  await running.stop();
});

test('a restart in the midst of it finds who has the address before anybody gets it', async () => {
  const before = await startWithAddresses();
  before.service('api', API, '10.96.0.1');
  pods(before, 'api');
  pods(before, 'web');
  await before.clock.advance(5000);
  await before.stop();
  const after = await startWithAddresses({}, before.consul, false);
  after.service('web', WEB, '10.96.0.1');
  pods(after, 'api');
  pods(after, 'web');
  after.listed();
  await after.clock.advance(10_000);
  assert.deepEqual([after.addresses(), after.clashes], [['web 10.96.0.1:80'], []]);
  await after.stop();
});

test('two services behind one Service: the one of its name has the address, else none', async () => {
  const running = await startWithAddresses();
  const { clock, addresses } = running;
  const shop = (name: string, service: string) => running.set(redirected(name, 'api', service));
  running.service('api', API, '10.96.0.1');
  shop('blue-0', 'blue');
  await clock.advance(5000);
  assert.deepEqual(addresses(), ['blue 10.96.0.1:80']);
  shop('green-0', 'green');
  await clock.advance(5000);
  assert.deepEqual(addresses(), []);
  shop('api-0', 'api');
  await clock.advance(5000);
  assert.deepEqual(addresses(), ['api 10.96.0.1:80']);
  running.remove('api-0');
  running.remove('blue-0');
  await clock.advance(5000);
  assert.deepEqual([addresses(), running.clashes], [['green 10.96.0.1:80'], []]);
  await running.stop();
});

test('an address that somebody else has in Consul is not taken, and looked at again at a resync', async () => {
  const running = await startWithAddresses();
  const { clock, addresses } = running;
  const [, proxy] = theirsOf({ annotations: { 'connect-service': 'api' }, node: 'far' });
  assert.ok(proxy);
  running.consul.register({ ...proxy, virtual: { address: '10.96.0.1', port: 80 } }, 'c2');
  running.service('api', API, '10.96.0.1');
  running.set(redirected('v2-0', 'api', 'api-v2'));
  await clock.advance(300_000);
  assert.deepEqual([addresses(), running.asked], [['api 10.96.0.1:80'], ['api']]);
  running.interfere((consul) => consul.deregister('k8s-c1-far', proxy.id));
  await clock.advance(600_000);
  assert.deepEqual([addresses(), running.clashes], [['api-v2 10.96.0.1:80'], []]);
  await running.stop();
});

test('a name that the token may not read keeps its own pods waiting, and nobody else', async () => {
  const consul = createConsulNodes();
  const holders: typeof consul.holders = (name) => {
    if (name === 'secret') throw new TandemError('TANDEM_CONSUL_FORBIDDEN', 'not yours');
    return consul.holders(name);
  };
  const running = await startWithAddresses({}, { ...consul, holders });
  running.service('front', { app: 'front' }, '10.96.0.9');
  running.set(redirected('front-0', 'front', 'front'));
  running.set(redirected('front-1', 'front', 'secret'));
  running.service('api', API, '10.96.0.1');
  running.set(redirected('api-0', 'api'));
  await running.clock.advance(5000);
  assert.deepEqual([running.addresses(), running.failures], [['api 10.96.0.1:80'], []]);
  assert.equal(running.consul.instances().length, 6);
  await running.clock.advance(300_000);
  const before = running.reads();
  await running.clock.advance(300_000);
  // Every second would be 300.
  assert.ok(running.reads() - before < 30, `${running.reads() - before} reads of a node that waits for long`);
  await running.stop();
});

test('a service that is renamed while its address stays has it in one hand', async () => {
  const running = await startWithAddresses();
  const { clock, addresses } = running;
  // Without an annotation the pods are called after their Service; the older one is headless.
  running.service('api', API, '10.96.0.1');
  running.service('aaa', API);
  for (let n = 0; n < 6; n += 1) running.set(redirected(`api-${n}`, 'api', '', { node: `node-${n % 2}` }));
  await clock.advance(5000);
  assert.deepEqual(addresses(), ['aaa 10.96.0.1:80']);
  running.faults.slow = 50;
  running.service('aaa', undefined);
  await clock.advance(10_000);
  assert.deepEqual([addresses(), running.clashes], [['api 10.96.0.1:80'], []]);
  await running.stop();
});

test('of several services of one pod, the first alone has the address', async () => {
  const running = await startWithAddresses();
  running.service('api', API, '10.96.0.1');
  const pod = podOf(redirected('api-0', 'api'));
  const { injection } = pod;
  assert.ok(injection.kind === 'dataplane' && injection.mesh.ok);
  const [first] = injection.mesh.services;
  const serviceId = 'default.api-0.admin';
  const admin = { ...first, serviceId, proxyId: `${serviceId}-sidecar-proxy`, inboundPort: 20001 };
  const second = { ...admin, service: { ...first.service, name: 'admin' } };
  running.setPod({ ...pod, injection: { ...injection, mesh: { ok: true, services: [first, second] } } });
  await running.clock.advance(1000);
  assert.equal(running.consul.instances().length, 4);
  assert.deepEqual(running.addresses(), ['api 10.96.0.1:80']);
  await running.stop();
});

test('many pods that get their address at once are looked for once', async () => {
  const running = await startWithAddresses();
  pods(running, 'api', 40);
  await running.clock.advance(5000);
  running.service('api', API, '10.96.0.1');
  await running.clock.advance(5000);
  assert.deepEqual([running.addresses(), running.lookedBehind], [['api 10.96.0.1:80'], ['api']]);
  await running.stop();
});

test('pods without redirection cost nothing more: no address, and nothing asked', async () => {
  const running = await startWithAddresses();
  running.service('api', API, '10.96.0.1');
  running.setPod(podOf({ labels: API }));
  await running.clock.advance(1_200_000);
  assert.deepEqual([running.addresses(), running.asked], [[], []]);
  await running.stop();
});

test('no two services share an address, whatever happens in which order', async () => {
  const pod = fc.record({
    kind: fc.constant('pod' as const),
    name: fc.constantFrom('api-0', 'api-1', 'web-0', 'web-1'),
    app: fc.constantFrom('api', 'web'),
    service: fc.constantFrom('', 'api', 'web', 'blue'),
    node: fc.constantFrom('node-0', 'node-1'),
  });
  const service = fc.record({
    kind: fc.constant('service' as const),
    name: fc.constantFrom('api', 'web', 'front'),
    app: fc.constantFrom('api', 'web', 'api', 'web', undefined),
    address: fc.constantFrom('10.96.0.1', '10.96.0.1', '10.96.0.2', undefined),
  });
  const other = fc.oneof(
    fc.record({ kind: fc.constant('remove' as const), name: fc.constantFrom('api-0', 'web-1') }),
    fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.constantFrom(10, 100, 400, 2000) }),
    fc.record({ kind: fc.constant('lost' as const) }),
  );
  const events = fc.array(fc.oneof({ weight: 2, arbitrary: pod }, { weight: 6, arbitrary: service }, other), {
    minLength: 5,
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(events, fc.constantFrom(0, 30, 150), async (all, slow) => {
      const running = await startWithAddresses();
      const { clock, faults } = running;
      const addresses = new Map<string, string | undefined>();
      const there = new Set<string>();
      let uid = 0;
      for (const app of ['api', 'web'])
        for (const n of [0, 1]) {
          there.add(`${app}-${n}`);
          running.set(redirected(`${app}-${n}`, app, app, { node: `node-${n}` }));
        }
      await clock.advance(1000);
      if (slow > 0) faults.slow = slow;
      for (const each of all) {
        switch (each.kind) {
          case 'pod':
            uid += 1;
            there.add(each.name);
            running.set(redirected(each.name, each.app, each.service, { node: each.node, uid: `u${uid}` }));
            break;
          case 'service': {
            // The API server gives an address once.
            const isFree = [...addresses].every(([name, of]) => name === each.name || of !== each.address);
            addresses.set(each.name, isFree && each.app !== undefined ? each.address : undefined);
            running.service(each.name, each.app && { app: each.app }, addresses.get(each.name));
            break;
          }
          case 'remove':
            if (there.delete(each.name)) running.remove(each.name);
            break;
          case 'wait':
            await clock.advance(each.milliseconds);
            break;
          case 'lost':
            faults.write = { error: new Error('lost'), lost: true };
            await clock.advance(200);
            faults.write = undefined;
        }
      }
      await clock.advance(120_000);
      assert.deepEqual(running.clashes, []);
      const missing = [...running.registrar.statuses()].filter(({ address }) => address.reason === 'waiting');
      assert.deepEqual(missing, [], 'nobody waits for ever');
      const wanted = [...running.registrar.statuses()].flatMap(({ address: { reason, chosen } }) =>
        reason === 'service' && chosen !== undefined ? [`${chosen.name} ${chosen.virtual.address}:80`] : [],
      );
      assert.deepEqual(running.addresses(), [...new Set(wanted)].toSorted());
      await running.stop();
    }),
    { numRuns: 100 },
  );
});
