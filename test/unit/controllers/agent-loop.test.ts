import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodInstance } from '../../../src/catalog/mesh/agent-plan.ts';
import { registrationsOf } from '../../../src/catalog/mesh/pod-registration.ts';
import { createAddressBook } from '../../../src/controllers/address-book.ts';
import { runAgentLoop } from '../../../src/controllers/agent-loop.ts';
import { createPodStatuses, type PodStatus } from '../../../src/controllers/pod-statuses.ts';
import { property } from '../../../src/support/json.ts';
import { TandemError } from '../../../src/support/errors.ts';
import { READY, type PodSketch, CLUSTER, noAddress } from '../catalog/mesh/injected-pods.ts';
import { podEvents } from './pod-events.ts';
import { createVirtualClock } from './virtual-clock.ts';

const HOST = '10.0.0.1';

/** One host with an agent and a node of the same instances in the catalog. */
function start() {
  const clock = createVirtualClock();
  const atAgent = new Map<string, PodInstance>();
  let wake = (): void => undefined;
  const inCatalog = new Map<string, PodInstance>();
  const checks = new Map<
    string,
    {
      readonly status: 'passing' | 'critical' | 'warning';
      readonly output: string;
      readonly service: string;
    }
  >();
  /** Ids of plain services at the agent. */
  const others = new Set<string>();
  const catalogAddress = { of: HOST };
  const asked = new Set<string>();
  const writes: string[] = [];
  const failures: unknown[] = [];
  const faults: {
    agent?: boolean;
    catalog?: Error | undefined;
    refresh?: Error | undefined;
    listed?: () => void;
    /** Just before the next removal. */
    overtaken?: (() => void) | undefined;
    /** Id that the agent does not deregister. */
    stays?: string | undefined;
    /** Milliseconds until it is clear that no agent answers at any other host. */
    silence?: number;
    /** Milliseconds until the catalog knows that an address is given up. */
    lag?: number;
  } = {};
  const namedChecks: string[] = [];
  const clashes: string[] = [];
  const holders = async (service: string) =>
    [...inCatalog.values()]
      .filter(({ destination, virtual }) => destination === service && virtual !== undefined)
      .map(({ id, uid, owner, virtual }) => ({
        address: virtual?.address ?? '',
        node: 'node-1',
        id,
        uid,
        owner,
      }));
  let refreshes = 0;
  const events = podEvents({ owner: 'c1', namesFollowServices: false, podsLogIn: false }, () => {
    refreshes += 1;
    if (faults.refresh !== undefined) throw faults.refresh;
    faults.listed?.();
  });
  const { snapshot } = events;
  let statuses: readonly PodStatus[] = [];
  let looks = 0;
  const applied = async (text: string, apply: () => void) => {
    writes.push(text);
    apply();
    return { kind: 'applied' as const };
  };
  snapshot.nodeChanged(undefined, { name: 'node-1', address: HOST, podCidr: undefined });
  const ending = new AbortController();
  const running = runAgentLoop(
    {
      clock,
      random: () => 0.5,
      statuses: createPodStatuses(snapshot.cluster, noAddress),
      addresses: createAddressBook({ snapshot, holders, loops: ['agents'] }),
      source: events.source,
      agents: {
        read: async (host) => {
          asked.add(host);
          if (host !== HOST && faults.silence !== undefined) {
            await new Promise<void>((resolve) => void clock.after(faults.silence ?? 0, resolve));
            return undefined;
          }
          return faults.agent === false ? undefined : { instances: [...atAgent.values()], others, checks };
        },
        deregister: async (_host, id) => {
          if (faults.stays === id) return { kind: 'refused', reason: 'it stays' };
          return applied(`agent: deregister ${id}`, () => {
            faults.overtaken?.();
            faults.overtaken = undefined;
            atAgent.delete(id);
            inCatalog.delete(id);
          });
        },
        register: (_host, { id, source, definition }) =>
          applied(`agent: register ${id}`, () => {
            const uid = snapshot.pod(source)?.uid ?? '';
            const isProxy = 'Proxy' in definition;
            const of = (...keys: readonly string[]) => keys.reduce<unknown>(property, definition);
            const address = of('TaggedAddresses', 'virtual', 'Address');
            const instance: PodInstance = {
              id,
              uid,
              owner: 'c1',
              isProxy,
              destination: String(of('Proxy', 'DestinationServiceName')),
              virtual: typeof address === 'string' ? { address, port: 80 } : undefined,
            };
            if ('Checks' in definition) namedChecks.push(id);
            atAgent.set(id, instance);
            clock.after(address === undefined ? (faults.lag ?? 0) : 0, () => {
              inCatalog.set(id, instance);
              const held = [...inCatalog.values()].filter(({ virtual }) => virtual?.address === address);
              const services = new Set(held.map(({ destination }) => destination));
              if (address !== undefined && services.size > 1) clashes.push([...services].join());
            });
          }),
        setCheck: (_host, { check, isNew, service }) =>
          applied(`agent: ${isNew ? 'make' : 'set'} ${check.id} ${check.status}`, () => {
            checks.set(check.id, { ...check, service });
          }),
        inCatalog: async (host) => {
          if (faults.catalog !== undefined) throw faults.catalog;
          if (faults.silence !== undefined && host !== HOST) return [];
          return [...inCatalog.values()].map((each) => ({ ...each, node: 'node-1' }));
        },
        deregisterFromCatalog: (node, id) =>
          applied(`catalog: deregister ${node} ${id}`, () => void inCatalog.delete(id)),
        nodes: async () => {
          if (faults.catalog !== undefined) throw faults.catalog;
          const instances = [...inCatalog.values()]
            .filter(({ owner }) => owner === 'c1')
            .map((each) => ({ ...each, node: 'node-1' }));
          const node = { name: 'node-1', address: catalogAddress.of, instances };
          return { nodes: instances.length === 0 ? [] : [node], unreadable: [] };
        },
      },
      catalog: {
        checks: async () => {
          looks += 1;
          return new Map([['node-1', new Map([...checks].map(([id, { status }]) => [id, status]))]]);
        },
        watch: async (onChange, signal) => {
          wake = onChange;
          if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      },
      reporter: {
        applied: () => undefined,
        refused: () => undefined,
        pods: (_host, all) => void (statuses = all),
        unreadable: () => undefined,
        failed: (error) => failures.push(error),
        succeeded: () => undefined,
      },
    },
    { owner: 'c1', resync: 600_000, dryRun: false },
    ending.signal,
  );
  const register = (uid: string, id: string, owner: string | undefined = 'c1', destination = 'web'): void => {
    for (const isProxy of [false, true]) {
      const key = isProxy ? `${id}-sidecar-proxy` : id;
      for (const side of [atAgent, inCatalog]) side.set(key, { id: key, uid, owner, isProxy, destination });
    }
  };
  return {
    clock,
    writes,
    failures,
    faults,
    atAgent,
    inCatalog,
    others,
    catalogAddress,
    asked,
    snapshot,
    statuses: () => statuses,
    refreshes: () => refreshes,
    /** Reads of all checks in Consul. */
    looks: () => looks,
    wake: () => wake(),
    register,
    service: events.service,
    namedChecks,
    clashes,
    /** `<service> <address>` of every proxy in the catalog that has one. */
    addresses: () =>
      [...inCatalog.values()]
        .flatMap(({ destination, virtual }) =>
          virtual === undefined ? [] : [`${destination} ${virtual.address}`],
        )
        .toSorted(),
    /** The agent is started anew without its data, and tells the catalog. */
    loseEverything: () => {
      for (const each of [atAgent, inCatalog, checks]) each.clear();
      wake();
    },
    /** The pod came or changed. */
    set: (sketch: PodSketch) => {
      const pod = events.set({ flags: [], ...sketch });
      assert.deepEqual(registrationsOf(pod, CLUSTER), [], 'nobody but the pod registers it');
    },
    remove: events.remove,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

async function started(): Promise<ReturnType<typeof start>> {
  const running = start();
  await running.clock.advance(0);
  running.set({ uid: 'u1' });
  running.register('u1', 'default.web-0.web');
  await running.clock.advance(1000);
  assert.deepEqual(running.writes, ['agent: make default.web-0.web-readiness passing']);
  running.writes.length = 0;
  return running;
}

const DEREGISTERED = [
  'agent: deregister default.web-0.web-sidecar-proxy',
  'agent: deregister default.web-0.web',
];

test('a pod that ended is out of its agent within 200 ms, its proxy first', async () => {
  const running = await started();
  running.remove('web-0');
  await running.clock.advance(200);
  assert.deepEqual(running.writes, DEREGISTERED);
  await running.stop();
});

test('a service stays as long as its proxy, whose alias check would pass without it', async () => {
  const running = await started();
  running.faults.stays = 'default.web-0.web-sidecar-proxy';
  running.remove('web-0');
  await running.clock.advance(200);
  assert.deepEqual(running.writes, []);
  running.faults.stays = undefined;
  await running.clock.advance(5000);
  assert.deepEqual(running.writes, DEREGISTERED);
  await running.stop();
});

test('agents that do not answer keep nobody from a pod that ended at another', async () => {
  const running = await started();
  running.faults.silence = 1000;
  for (let index = 1; index <= 20; index += 1) {
    const hostIP = `10.0.1.${index}`;
    const node = `other-${index}`;
    running.snapshot.nodeChanged(undefined, { name: node, address: hostIP, podCidr: undefined });
    running.set({ name: node, node, status: { ...READY, hostIP } });
  }
  running.remove('web-0');
  await running.clock.advance(2000);
  assert.deepEqual(running.writes, DEREGISTERED);
  await running.stop();
});

test('replaced under its name: what the new one registered stays', async () => {
  const running = await started();
  running.remove('web-0');
  running.set({ uid: 'u2' });
  running.register('u2', 'default.web-0.web');
  await running.clock.advance(60_000);
  assert.deepEqual(running.writes, []);
  await running.stop();
});

test('finished: out, although the pod is still there', async () => {
  const running = await started();
  running.set({ uid: 'u1', status: { ...READY, phase: 'Succeeded' } });
  await running.clock.advance(200);
  assert.deepEqual(running.writes, DEREGISTERED);
  await running.stop();
});

test('nothing changed: nothing is written', async () => {
  const running = await started();
  running.set({ uid: 'u1' });
  await running.clock.advance(1_300_000);
  assert.deepEqual(running.writes, []);
  await running.stop();
});

test('left behind while Tandem was down: out after a second look and a new list', async () => {
  const running = start();
  running.register('u0', 'old-web');
  await running.clock.advance(9000);
  assert.deepEqual(running.writes, []);
  await running.clock.advance(2000);
  assert.deepEqual(running.writes, ['agent: deregister old-web-sidecar-proxy', 'agent: deregister old-web']);
  assert.equal(running.refreshes(), 1);
  await running.stop();
});

test('a pod that is so new that its event comes after its registration is not taken for one left behind', async () => {
  const running = start();
  running.register('u1', 'default.web-0.web');
  await running.clock.advance(5000);
  running.set({ uid: 'u1' });
  await running.clock.advance(60_000);
  assert.deepEqual(running.writes, ['agent: make default.web-0.web-readiness passing']);
  await running.stop();
});

test('a pod that only the new list has is not taken for one left behind', async () => {
  const running = start();
  running.register('u1', 'default.web-0.web');
  running.faults.listed = () => running.set({ uid: 'u1' });
  await running.clock.advance(60_000);
  assert.equal(running.refreshes(), 1);
  assert.deepEqual(running.writes, ['agent: make default.web-0.web-readiness passing']);
  await running.stop();
});

test('the API server away: what it does not know of is not removed', async () => {
  const running = start();
  running.faults.refresh = new Error('away');
  running.register('u1', 'default.web-0.web');
  await running.clock.advance(600_000);
  assert.deepEqual(running.writes, []);
  assert.ok(running.failures.length > 3);
  running.faults.refresh = undefined;
  running.set({ uid: 'u1' });
  await running.clock.advance(60_000);
  assert.deepEqual(running.writes, ['agent: make default.web-0.web-readiness passing']);
  await running.stop();
});

test('another owner, or none that is known: not touched', async () => {
  const running = await started();
  running.register('x', 'their-web', 'c2');
  running.atAgent.set('plain', { id: 'plain', uid: 'y', owner: undefined, isProxy: false });
  running.set({ uid: 'u1' });
  await running.clock.advance(1_300_000);
  assert.deepEqual(running.writes, []);
  await running.stop();
});

test('the agent is gone: from the catalog, and again from the agent when it comes back with it', async () => {
  const running = await started();
  running.faults.agent = false;
  running.remove('web-0');
  await running.clock.advance(200);
  assert.deepEqual(running.writes, [
    'catalog: deregister node-1 default.web-0.web-sidecar-proxy',
    'catalog: deregister node-1 default.web-0.web',
  ]);
  running.writes.length = 0;
  running.faults.agent = true;
  await running.clock.advance(10_000);
  assert.deepEqual(running.writes, DEREGISTERED);
  await running.stop();
});

test('neither agent nor catalog: nothing is removed, and it is repaired when Consul is back', async () => {
  const running = await started();
  running.faults.agent = false;
  running.faults.catalog = new Error('no leader');
  running.remove('web-0');
  await running.clock.advance(60_000);
  assert.deepEqual(running.writes, []);
  running.faults.agent = true;
  running.faults.catalog = undefined;
  await running.clock.advance(5000);
  assert.deepEqual(running.writes, DEREGISTERED);
  await running.stop();
});

const INITIALIZED = { ...READY, conditions: [...READY.conditions, { type: 'Initialized', status: 'True' }] };
const REGISTERED = [
  'agent: register default.web-0.web',
  'agent: register default.web-0.web-sidecar-proxy',
  'agent: make default.web-0.web-readiness passing',
];

test('an agent that lost its data gets its pods again within 2 s, and is left alone then', async () => {
  const running = await started();
  running.set({ uid: 'u1', status: INITIALIZED });
  await running.clock.advance(1000);
  running.loseEverything();
  await running.clock.advance(2000);
  assert.deepEqual(running.writes, REGISTERED);
  await running.clock.advance(1_300_000);
  assert.deepEqual(running.writes, REGISTERED);
  await running.stop();
});

test('a pod that has not registered itself yet is not registered', async () => {
  const running = start();
  await running.clock.advance(0);
  running.set({ uid: 'u1' });
  await running.clock.advance(60_000);
  assert.deepEqual(running.writes, []);
  await running.stop();
});

test('a removal that met the new pod of the same name is made good', async () => {
  const running = await started();
  running.faults.overtaken = () => {
    running.set({ uid: 'u2', status: INITIALIZED });
    running.register('u2', 'default.web-0.web');
  };
  running.remove('web-0');
  await running.clock.advance(1000);
  assert.deepEqual(running.writes, [...DEREGISTERED, ...REGISTERED.slice(0, 2)]);
  assert.equal(running.atAgent.get('default.web-0.web')?.uid, 'u2');
  await running.stop();
});

test('an id that another pod or somebody else has at the agent is not taken from them', async () => {
  const running = await started();
  running.register('x', 'default.web-0.web', 'c2');
  running.set({ uid: 'u1', status: INITIALIZED });
  await running.clock.advance(60_000);
  assert.deepEqual(running.writes, []);
  await running.stop();
});

test('a change of checks has all of them read only while there are pods that an agent may have lost', async () => {
  const running = start();
  await running.clock.advance(0);
  running.wake();
  await running.clock.advance(10_000);
  assert.equal(running.looks(), 0);
  running.set({ uid: 'u1' });
  running.wake();
  await running.clock.advance(10_000);
  assert.equal(running.looks(), 1);
  await running.stop();
});

test('an id that another holder gives up is taken within 2 s', async () => {
  const running = await started();
  const id = 'default.web-0.web';
  for (const each of [id, `${id}-sidecar-proxy`]) {
    running.atAgent.delete(each);
    running.others.add(each);
  }
  running.set({ uid: 'u1', status: INITIALIZED });
  await running.clock.advance(60_000);
  assert.deepEqual(running.writes, []);
  assert.equal(running.statuses()[0]?.reason, 'id-taken');
  assert.match(running.statuses()[0]?.problem ?? '', /has another instance with the id default\.web-0\.web/);
  running.others.clear();
  await running.clock.advance(2000);
  assert.deepEqual(running.writes.slice(0, 2), REGISTERED.slice(0, 2));
  await running.stop();
});

test('an agent that tells the servers another address is asked where Kubernetes says that its node is', async () => {
  const running = start();
  running.catalogAddress.of = '10.244.0.9';
  running.register('u0', 'default.old.web');
  await running.clock.advance(20_000);
  assert.deepEqual([...running.asked], [HOST]);
  assert.deepEqual(running.writes, [
    'agent: deregister default.old.web-sidecar-proxy',
    'agent: deregister default.old.web',
  ]);
  await running.stop();
});

test('no agent is asked at an address that only the catalog has; what is left there goes from the catalog', async () => {
  const running = start();
  running.snapshot.nodeChanged({ name: 'node-1', address: HOST, podCidr: undefined }, undefined);
  running.catalogAddress.of = '192.0.2.66';
  running.register('u0', 'default.old.web');
  await running.clock.advance(20_000);
  assert.deepEqual([...running.asked], []);
  assert.deepEqual(running.writes, [
    'catalog: deregister node-1 default.old.web-sidecar-proxy',
    'catalog: deregister node-1 default.old.web',
  ]);
  await running.stop();
});

test('an address that only the status of a pod has is asked nothing, as long as no node has it', async () => {
  const running = await started();
  const elsewhere = '192.0.2.66';
  running.set({ name: 'spy', uid: 'u2', status: { ...READY, hostIP: elsewhere } });
  await running.clock.advance(60_000);
  assert.ok(!running.asked.has(elsewhere));
  running.snapshot.nodeChanged(undefined, {
    name: 'node-2',
    address: '10.0.0.2',
    hostIps: ['10.0.0.2', elsewhere],
    podCidr: undefined,
  });
  await running.clock.advance(600_000);
  assert.ok(running.asked.has(elsewhere));
  await running.stop();
});

test('a node that Consul cannot give back keeps nobody from the others', async () => {
  const running = await started();
  running.faults.agent = false;
  running.faults.catalog = new TandemError('TANDEM_CONSUL_REFUSED', 'Consul closes the connection');
  running.set({ name: 'web-1', uid: 'u2' });
  await running.clock.advance(1000);
  assert.deepEqual(running.failures, []);
  running.faults.catalog = new TandemError('TANDEM_CONSUL_UNREACHABLE', 'nobody is there');
  running.set({ name: 'web-2', uid: 'u3' });
  await running.clock.advance(1000);
  assert.notEqual(running.failures.length, 0);
  await running.stop();
});

test('without any node in Kubernetes the agent of a pod that is gone is asked still', async () => {
  const running = await started();
  running.snapshot.nodeChanged({ name: 'node-1', address: HOST, podCidr: undefined }, undefined);
  running.remove('web-0');
  await running.clock.advance(200);
  assert.deepEqual(running.writes, DEREGISTERED);
  await running.stop();
});

test('the proxy of a redirected pod is registered again with the address of its Service, without checks', async () => {
  const running = start();
  running.service('web', { app: 'web' }, '10.96.0.1');
  running.set({ uid: 'u1', exposed: [], labels: { app: 'web' } });
  running.register('u1', 'default.web-0.web');
  await running.clock.advance(3000);
  const update = 'agent: register default.web-0.web-sidecar-proxy';
  assert.deepEqual(running.writes, [update, 'agent: make default.web-0.web-readiness passing']);
  assert.deepEqual([running.addresses(), running.namedChecks], [['web 10.96.0.1'], []]);
  running.service('web', { app: 'web' }, '10.96.0.2');
  await running.clock.advance(500);
  assert.deepEqual(running.addresses(), ['web 10.96.0.2']);
  running.writes.length = 0;
  await running.clock.advance(1_300_000);
  assert.deepEqual(running.writes, []);
  running.service('web', {}, undefined);
  await running.clock.advance(500);
  assert.deepEqual(running.addresses(), []);
  await running.stop();
});

test('an agent that lost its state gets service, proxy and address again', async () => {
  const running = start();
  running.service('web', { app: 'web' }, '10.96.0.1');
  running.set({ uid: 'u1', exposed: [], labels: { app: 'web' }, status: INITIALIZED });
  running.register('u1', 'default.web-0.web');
  await running.clock.advance(3000);
  running.loseEverything();
  assert.deepEqual(running.addresses(), []);
  await running.clock.advance(3000);
  assert.deepEqual(running.addresses(), ['web 10.96.0.1']);
  await running.stop();
});

test('at agents that tell the catalog late, an address is in one hand too', async () => {
  const running = start();
  const set = (app: string): void => {
    const annotations = { 'connect-service': app };
    running.set({ name: `${app}-0`, uid: app, exposed: [], labels: { app }, annotations });
    running.register(app, `default.${app}-0.${app}`, 'c1', app);
  };
  running.service('api', { app: 'api' }, '10.96.0.1');
  set('api');
  set('web');
  await running.clock.advance(3000);
  assert.deepEqual(running.addresses(), ['api 10.96.0.1']);
  running.faults.lag = 700;
  running.service('api', {}, undefined);
  running.service('web', { app: 'web' }, '10.96.0.1');
  await running.clock.advance(10_000);
  assert.deepEqual([running.addresses(), running.clashes], [['web 10.96.0.1'], []]);
  await running.stop();
});
