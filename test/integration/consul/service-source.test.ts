/** The list of services and their instances from servers that answer, fail, or hide a part. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthRule } from '../../../src/catalog/to-kubernetes/to-k8s-settings.ts';
import type { ServiceSource } from '../../../src/controllers/to-k8s-ports.ts';
import { serviceSource } from '../../../src/consul/service-source.ts';
import { blackHole, clientOf, fakeConsul, json, status, wakeable, type Reply } from './fake-consul.ts';

const OWNER = { meta: 'tandem-owner', value: 'c1' };
const names = (count: number): Record<string, string[]> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, []]));
const entry = (address: string, service: object = {}, node = 'n'): object => ({
  Node: { Node: node, Address: '10.9.9.9' },
  Service: { ID: 'i', Service: 's', Address: address, Port: 80, ...service },
  Checks: [{ Node: node, CheckID: 'c', Status: 'passing' }],
});

type Script = {
  readonly list: Reply;
  readonly health: Reply;
  readonly own?: Reply;
  /** All checks that match the filter. */
  readonly checks?: Reply;
  /** Without a token: what Consul says of the rights. */
  readonly rights?: Reply;
};

/** The first answers at once, and blocking queries as the script says. */
function consulOf({ list, health, own = json({}), checks = json([]), rights }: Script): Reply {
  return (response, seen, request) => {
    const { pathname, searchParams } = new URL(seen.url, 'http://consul');
    const filter = searchParams.get('filter') ?? '';
    const isList = pathname === '/v1/catalog/services';
    if (isList && searchParams.has('index')) return blackHole(response, seen, request);
    if (isList) return (filter.includes('tandem-owner') ? own : list)(response, seen, request);
    if (pathname === '/v1/health/state/any')
      return (searchParams.has('index') ? blackHole : checks)(response, seen, request);
    if (pathname === '/v1/internal/acl/authorize') return rights?.(response, seen, request);
    return health(response, seen, request);
  };
}

type Running = AsyncDisposable & {
  readonly source: ServiceSource;
  readonly failures: string[];
  readonly connectionsAtOnce: () => number;
  /** Resolves when every connection that was begun before is counted. */
  readonly connected: () => Promise<void>;
  readonly until: (what: string, holds: () => boolean) => Promise<void>;
};

async function run(script: Script, healthRule: HealthRule = 'not-critical'): Promise<Running> {
  const server = await fakeConsul(consulOf(script));
  const access = await clientOf([server.url]);
  const failures: string[] = [];
  const source = serviceSource({
    client: access.client,
    isAnonymous: script.rights !== undefined,
    owner: OWNER,
    filter: '',
    healthRule,
    wanted: (list) => [...list.services.keys()],
    random: () => 0.1,
  });
  const { wake, until } = wakeable();
  const ending = new AbortController();
  const failed = (error: unknown): void => {
    failures.push(error instanceof Error ? error.message : String(error));
    wake();
  };
  const running = source.run({ changed: wake, failed }, ending.signal);
  return {
    source,
    failures,
    connectionsAtOnce: server.atOnce,
    // A server accepts connections in the order in which they were begun.
    connected: async () => void (await (await fetch(server.url)).text()),
    until,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await running;
      await access[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

const indexed = { 'x-consul-index': '5' };

test('2,000 services need fewer than 60 connections at a time, and each of them is read', async () => {
  const full = Promise.withResolvers<void>();
  let held = 0;
  // A query that waits is never answered here, so that all the slots are taken in the end.
  const health: Reply = (response, seen, request) => {
    if (!seen.url.includes('index=')) return json([entry('10.0.0.1')], indexed)(response, seen, request);
    held += 1;
    if (held === 36) full.resolve();
  };
  await using found = await run({ list: json(names(2000), indexed), health });
  const all = Object.keys(names(2000));
  await found.until('all of them', () => all.every((name) => found.source.health(name)?.length === 1));
  await full.promise;
  await found.connected();
  assert.ok(found.connectionsAtOnce() < 60, `${found.connectionsAtOnce()} connections`);
});

function firstAnswer(answers: readonly object[]): Reply {
  return (response, seen, request) =>
    (seen.url.includes('index=') ? blackHole : json(answers, indexed))(response, seen, request);
}

test('an instance has its own address, else that of its node; its zone; and proxies are left out', async () => {
  const instances = [
    entry('10.0.0.1', { Locality: { Zone: 'a' } }),
    entry('', { Locality: { Zone: 'a\u001b[2J' } }),
    entry('10.0.0.2', { Kind: 'connect-proxy' }),
  ];
  await using found = await run({
    list: json({ s: ['t'] }, indexed),
    health: firstAnswer(instances),
    own: json({ mine: [] }),
  });
  await found.until('the instances', () => found.source.health('s') !== undefined);
  assert.deepEqual(found.source.health('s'), [
    { address: '10.0.0.1', port: 80, zone: 'a', isHealthy: true },
    { address: '10.9.9.9', port: 80, zone: undefined, isHealthy: true },
  ]);
  assert.deepEqual([...(found.source.list()?.own ?? [])], ['mine']);
});

const checked = (address: string, checks: readonly { service: string; status: string }[]): object => ({
  ...entry(address),
  Checks: checks.map(({ service, status: Status }, index) => ({
    Node: 'n',
    CheckID: `c${index}`,
    ServiceID: service,
    Status,
  })),
});
const states = [
  checked('10.0.0.1', []),
  checked('10.0.0.2', [{ service: 'i', status: 'warning' }]),
  checked('10.0.0.3', [
    { service: 'i', status: 'passing' },
    { service: '', status: 'warning' },
  ]),
  checked('10.0.0.4', [
    { service: 'i', status: 'warning' },
    { service: '', status: 'critical' },
  ]),
  checked('10.0.0.5', [{ service: 'i', status: 'critical' }]),
];

for (const [rule, healthy] of [
  ['not-critical', ['10.0.0.1', '10.0.0.2', '10.0.0.3']],
  ['passing', ['10.0.0.1']],
] as const)
  test(`${rule}: a warning of the instance or of its node, and what is critical`, async () => {
    await using found = await run({ list: json({ s: [] }, indexed), health: firstAnswer(states) }, rule);
    await found.until('the instances', () => found.source.health('s') !== undefined);
    const instances = found.source.health('s') ?? [];
    assert.deepEqual(
      instances.filter(({ isHealthy }) => isHealthy).map(({ address }) => address),
      healthy,
    );
  });

for (const [what, list, own] of [
  ['an empty list', json({}, indexed), json({})],
  [
    'a list that ACLs cut',
    json({ s: [] }, { ...indexed, 'x-consul-results-filtered-by-acls': 'true' }),
    json({}),
  ],
  [
    'own services that ACLs cut',
    json({ s: [] }, indexed),
    json({}, { 'x-consul-results-filtered-by-acls': 'true' }),
  ],
  ['a list of another form', json([], indexed), json({})],
  ['no leader', status(500, 'No cluster leader'), json({})],
] as const)
  test(`${what} is no list`, async () => {
    await using found = await run({ list, own, health: blackHole });
    await found.until('two failures', () => found.failures.length >= 2);
    assert.equal(found.source.list(), undefined);
  });

test('instances that ACLs cut, or that cannot be read, are not known', async () => {
  const cut = { ...indexed, 'x-consul-results-filtered-by-acls': 'true' };
  await using found = await run({ list: json({ s: [] }, indexed), health: json([entry('10.0.0.1')], cut) });
  await found.until('a failure', () => found.failures.length > 0);
  assert.match(found.failures[0] ?? '', /does not show all of the instances of "s"/);
  assert.equal(found.source.health('s'), undefined);
});

test('of a service that Consul cannot give back nothing is known, and the others are read again', async () => {
  let isPoisoned = false;
  let address = '10.0.0.1';
  const health: Reply = (response, seen, request) => {
    if (isPoisoned && seen.url.includes('/s0')) return status(400, 'no')(response, seen, request);
    return seen.url.includes('index=')
      ? blackHole(response, seen, request)
      : json([entry(address)], indexed)(response, seen, request);
  };
  await using running = await run({ list: json(names(2), indexed), health });
  const { source } = running;
  await running.until('both', () => source.health('s0') !== undefined && source.health('s1') !== undefined);
  isPoisoned = true;
  address = '10.0.0.2';
  await source.refresh(new AbortController().signal);
  assert.equal(source.health('s0'), undefined);
  assert.equal(source.health('s1')?.[0]?.address, '10.0.0.2');
});

/** Consul's answers about rights: to all, but for what the test takes away. */
function rightsBut(denied: ReadonlySet<string>, onCall?: () => void): Reply {
  return (response, seen, request) => {
    onCall?.();
    const asked = JSON.parse(seen.body) as readonly { readonly Segment: string }[];
    json(asked.map(({ Segment }) => ({ Allow: !denied.has(Segment) })))(response, seen, request);
  };
}

const onNodes = (nodes: readonly string[]): readonly object[] =>
  nodes.map((node, index) => entry(`10.0.0.${index + 1}`, {}, node));

for (const [what, denied] of [
  ['all nodes', ''],
  ['the node', 'n2'],
] as const)
  test(`without a token, an instance is gone when the rights show ${what}, and one call asks for them`, async () => {
    let shown = ['n1', 'n2', 'n2'];
    const hidden = new Set<string>();
    let asked = 0;
    const health: Reply = (response, seen, request) =>
      (seen.url.includes('index=') ? blackHole : json(onNodes(shown), indexed))(response, seen, request);
    await using running = await run({
      list: json({ s: [] }, indexed),
      health,
      rights: rightsBut(hidden, () => (asked += 1)),
    });
    const { source } = running;
    const count = (): number | undefined => source.health('s')?.length;
    const refresh = () => source.refresh(new AbortController().signal);
    await running.until('the instances', () => count() === 3);

    shown = ['n1'];
    hidden.add(denied);
    await assert.rejects(refresh(), /does not show all of the/);
    assert.equal(count(), 3);
    asked = 0;
    hidden.clear();
    await refresh();
    assert.deepEqual([count(), asked], [1, 2]);
    await refresh();
    assert.equal(asked, 3, 'a second look always asks, and nothing is missing');
  });

test('without a token, a turn in which a node is missing counts once the rights show it', async () => {
  let shown = ['n1', 'n2'];
  const hidden = new Set<string>();
  let wake: () => void = () => undefined;
  const health: Reply = (response, seen, request) => {
    const index = (): string => String(10 - shown.length);
    const answer = (): void => json(onNodes(shown), { 'x-consul-index': index() })(response, seen, request);
    if (seen.url.includes(`index=${index()}&`)) wake = answer;
    else answer();
  };
  await using running = await run({ list: json({ s: [] }, indexed), health, rights: rightsBut(hidden) });
  const { source } = running;
  await running.until('the instances', () => source.health('s')?.length === 2);
  shown = ['n1'];
  hidden.add('n2');
  wake();
  await running.until('the failure', () => running.failures.length > 0);
  assert.match(running.failures[0] ?? '', /does not show all of the instances of "s"/);
  assert.equal(source.health('s')?.length, 2);
  hidden.clear();
  await running.until('the removal', () => source.health('s')?.length === 1);
});

for (const denied of ['s1', 'n1'])
  test(`without a token, a name that is missing is gone only if the rights show it and its nodes: ${denied}`, async () => {
    let list = { s0: [], s1: [] } as Record<string, string[]>;
    const hidden = new Set<string>();
    await using running = await run({
      list: (response, seen, request) => json(list, indexed)(response, seen, request),
      health: firstAnswer(onNodes(['n1'])),
      rights: rightsBut(hidden),
    });
    const { source } = running;
    const known = (): readonly string[] => [...(source.list()?.services.keys() ?? [])];
    await running.until('the instances', () => source.health('s1') !== undefined);
    list = { s0: [] };
    hidden.add(denied);
    await assert.rejects(source.refresh(new AbortController().signal), /does not show all of the list/);
    assert.deepEqual(known(), ['s0', 's1']);
    hidden.clear();
    await source.refresh(new AbortController().signal);
    assert.deepEqual(known(), ['s0']);
  });
