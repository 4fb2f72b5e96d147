/** More services than there are queries that wait: two queries about all checks tell which one to read again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceSource } from '../../../src/consul/service-source.ts';
import type { HealthRule } from '../../../src/catalog/to-kubernetes/to-k8s-settings.ts';
import type { ServiceSource } from '../../../src/controllers/to-k8s-ports.ts';
import { clientOf, fakeConsul, html, json, wakeable, type Reply, type Seen } from './fake-consul.ts';

type CheckOf = {
  readonly id: string;
  readonly node?: string;
  readonly service?: string;
  /** At which it changed. */
  readonly index?: number;
};

/** A Consul of 100 services whose queries about one service never end, so that no turn can tell of a change. */
type Scene = AsyncDisposable & {
  readonly source: ServiceSource;
  readonly failures: string[];
  /** Answers the query for checks that do not pass, and the next ones until it is held again. */
  readonly notPassing: (checks: readonly CheckOf[]) => void;
  /** Answers the query for the list, as after a registration. */
  readonly listChanged: (checksOfServices: readonly CheckOf[]) => void;
  /** Its next instances, and resolves when they are known. */
  readonly becomes: (service: string, address: string, trigger: () => void) => Promise<void>;
  readonly seen: readonly Seen[];
  /** Of the last answer about its instances. */
  readonly indexOf: (service: string) => number;
  readonly until: (what: string, holds: () => boolean) => Promise<void>;
  /** The next query for checks gets this. */
  readonly failNext: (reply: Reply) => void;
};

const NAMES = Array.from({ length: 100 }, (_, index) => `s${index}`);

async function start(healthRule: HealthRule = 'not-critical'): Promise<Scene> {
  const addresses = new Map(NAMES.map((name) => [name, '10.0.0.1']));
  const indexes = new Map<string, number>();
  let index = 10;
  let unhealthy: readonly CheckOf[] = [];
  let ofServices: readonly CheckOf[] = NAMES.map((service) => ({ id: service, service }));
  /** Of the two resources that can be waited for. */
  const changed = { list: 1, notPassing: 1 };
  const held = new Map<keyof typeof changed, () => void>();
  let failure: Reply | undefined;
  const { wake, until } = wakeable();

  const checks = (list: readonly CheckOf[]): object[] =>
    list.map(({ id, node = 'n', service = '', index: ModifyIndex = 2 }) => ({
      Node: node,
      CheckID: id,
      Status: 'critical',
      ServiceID: service,
      ServiceName: service,
      CreateIndex: 1,
      ModifyIndex,
    }));
  const instances = (name: string): object[] => [
    {
      Node: { Node: name === 's3' ? 'other' : 'n', Address: '10.9.9.9' },
      Service: { ID: name, Service: name, Address: addresses.get(name), Port: 80 },
      Checks: name === 's4' ? [] : [{ Node: 'n', CheckID: name, Status: 'passing', ServiceID: name }],
    },
  ];
  const indexed = (value: unknown): Reply => json(value, { 'x-consul-index': String((index += 1)) });

  const server = await fakeConsul((response, seen, request) => {
    const { pathname, searchParams } = new URL(seen.url, 'http://consul');
    const filter = searchParams.get('filter') ?? '';
    const waits = searchParams.has('index');
    const answer = (reply: Reply): void => reply(response, seen, request);
    /** Now, or when the resource has another index than the one that is known. */
    const answerWhenChanged = (what: keyof typeof changed, reply: () => Reply): void => {
      if (searchParams.get('index') === String(changed[what])) held.set(what, () => answer(reply()));
      else answer(reply());
    };
    if (pathname.startsWith('/v1/health/service/')) {
      const name = pathname.slice('/v1/health/service/'.length);
      if (!waits) answer(indexed(instances(name)));
      if (!waits) indexes.set(name, index);
    } else if (pathname === '/v1/catalog/services') {
      if (filter.includes('tandem-owner')) answer(json({}));
      else answerWhenChanged('list', () => json(namesOf(), { 'x-consul-index': String(changed.list) }));
    } else if (failure !== undefined) {
      answer(failure);
      failure = undefined;
    } else if (filter.includes('Status')) {
      const header = (): Record<string, string> => ({ 'x-consul-index': String(changed.notPassing) });
      answerWhenChanged('notPassing', () => json(checks(unhealthy), header()));
    } else answer(json(checks(ofServices)));
    wake();
  });
  const access = await clientOf([server.url]);
  const failures: string[] = [];
  const source = serviceSource({
    client: access.client,
    isAnonymous: false,
    owner: { meta: 'tandem-owner', value: 'c1' },
    filter: '',
    healthRule,
    wanted: ({ services }) => [...services.keys()],
    random: () => 0.01,
  });
  const ending = new AbortController();
  const failed = (error: unknown): void => {
    failures.push(error instanceof Error ? error.message : String(error));
    wake();
  };
  const running = source.run({ changed: wake, failed }, ending.signal);
  await until('all services', () => NAMES.every((name) => source.health(name) !== undefined));
  await until('both queries', () => held.size === 2);
  const change = (what: keyof typeof changed): void => {
    changed[what] += 1;
    held.get(what)?.();
    held.delete(what);
  };
  return {
    source,
    failures,
    seen: server.seen,
    indexOf: (service) => indexes.get(service) ?? 0,
    until,
    notPassing: (list) => {
      unhealthy = list;
      change('notPassing');
    },
    listChanged: (list) => {
      ofServices = list;
      change('list');
    },
    becomes: async (service, address, trigger) => {
      addresses.set(service, address);
      trigger();
      await until(service, () => source.health(service)?.[0]?.address === address);
    },
    failNext: (reply) => {
      failure = reply;
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await running;
      await access[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

function namesOf(): Record<string, string[]> {
  return Object.fromEntries(NAMES.map((name) => [name, []]));
}

/** Health reads without a wait since then, by service. */
function readsSince(scene: Scene, from: number): string[] {
  return scene.seen.slice(from).flatMap(({ url }) => {
    const [path = '', query = ''] = url.split('?');
    return path.startsWith('/v1/health/service/') && !query.includes('index=')
      ? [path.slice('/v1/health/service/'.length)]
      : [];
  });
}

test('a check that fails, and one that passes again, has its service read and no other', async () => {
  await using scene = await start();
  const from = scene.seen.length;
  await scene.becomes('s90', '10.0.0.2', () => scene.notPassing([{ id: 'c', service: 's90' }]));
  await scene.becomes('s90', '10.0.0.3', () => scene.notPassing([]));
  assert.deepEqual(readsSince(scene, from), ['s90', 's90']);
});

test('a check of a node has the services of that node read', async () => {
  await using scene = await start();
  const from = scene.seen.length;
  await scene.becomes('s3', '10.0.0.2', () => scene.notPassing([{ id: 'serfHealth', node: 'other' }]));
  assert.deepEqual(readsSince(scene, from), ['s3']);
});

test('an instance that comes with a check, and one that has none, is read when the list has changed', async () => {
  await using scene = await start();
  const from = scene.seen.length;
  const before = NAMES.map((service) => ({ id: service, service }));
  await scene.becomes('s91', '10.0.0.2', () =>
    scene.listChanged([
      ...before,
      // Its turn came when this was registered already.
      { id: 's90-2', service: 's90', index: scene.indexOf('s90') },
      { id: 's91-2', service: 's91', index: scene.indexOf('s91') - 1 },
    ]),
  );
  assert.deepEqual(readsSince(scene, from).toSorted(), ['s4', 's91']);
});

test('after a change of the list every service has a turn of 1 s, for what no check tells', async () => {
  await using scene = await start();
  const from = scene.seen.length;
  const isShortTurn = ({ url }: Seen): boolean => url.includes('/health/service/') && url.includes('wait=1s');
  scene.listChanged([]);
  await scene.until('short turns', () => scene.seen.slice(from).filter(isShortTurn).length >= 36);
  assert.deepEqual(scene.seen.slice(0, from).filter(isShortTurn), []);
});

test('what is told by a read that failed is told by the next one', async () => {
  await using scene = await start();
  await scene.becomes('s92', '10.0.0.2', () => {
    scene.failNext(html);
    scene.listChanged([{ id: 's92-2', service: 's92' }]);
  });
  assert.match(scene.failures.join('\n'), /not JSON/);
});

for (const [rule, filter] of [
  ['not-critical', 'Status == "critical"'],
  ['passing', 'Status != "passing"'],
] as const)
  test(`${rule}: the checks that are waited for are those that take an instance out`, async () => {
    await using scene = await start(rule);
    const filters = scene.seen.map(({ url }) => new URL(url, 'http://consul').searchParams.get('filter'));
    assert.deepEqual(
      [...new Set(filters)].filter((each) => each?.includes('Status')),
      [filter],
    );
  });
