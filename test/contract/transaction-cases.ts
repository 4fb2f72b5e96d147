/** What transactions do. The expected values were taken from Consul 1.20.6. */
import assert from 'node:assert/strict';
import { call, get, put, type CatalogUnderTest } from './catalog-client.ts';
import type { ContractCase } from './http-cases.ts';

type Json = Readonly<Record<string, unknown>>;

function nodeOp(verb: string, node: Json) {
  return { Node: { Verb: verb, Node: node } };
}

function serviceOp(verb: string, node: string, service: Json) {
  return { Service: { Verb: verb, Node: node, Service: service } };
}

function checkOp(verb: string, check: Json) {
  return { Check: { Verb: verb, Check: check } };
}

async function errorsOf(catalog: CatalogUnderTest, operations: readonly unknown[]): Promise<unknown> {
  const answer = await put(catalog, 'txn', operations);
  const body = answer.body as { Errors: { OpIndex: number; What: string }[]; Results: unknown };
  assert.deepEqual([answer.status, body.Results], [409, null]);
  return body.Errors.map(({ OpIndex, What }) => [OpIndex, What]);
}

async function servicesOn(catalog: CatalogUnderTest, node: string): Promise<readonly string[] | undefined> {
  const { body } = await get(catalog, `catalog/node-services/${node}`);
  const { Node, Services } = body as { Node: Json | null; Services: { ID: string }[] | null };
  // A node without services has `null` there.
  return Node === null ? undefined : (Services ?? []).map(({ ID }) => ID);
}

/** What `plain` takes out of an answer, these cases need. */
async function modifyIndex(catalog: CatalogUnderTest, node: string): Promise<number> {
  const response = await fetch(new URL(`/v1/catalog/node-services/${node}`, catalog.url));
  const { Services } = (await response.json()) as { Services: { ModifyIndex: number }[] };
  return Services[0]?.ModifyIndex ?? 0;
}

const failing: readonly (readonly [string, unknown, string])[] = [
  [
    'a service of a missing node',
    serviceOp('set', 'absent', { ID: 'a', Service: 'a' }),
    'Missing node registration',
  ],
  [
    'a check of a missing node',
    checkOp('set', { Node: 'absent', CheckID: 'a' }),
    'Missing node registration',
  ],
  [
    'a check of a missing service',
    checkOp('set', { Node: 't0', CheckID: 'a', ServiceID: 'absent' }),
    'Missing service registration',
  ],
  [
    'a service without a name',
    serviceOp('set', 't0', { ID: 'a', Service: '' }),
    'Must provide service name (Service.Service) when service ID is provided',
  ],
  [
    'a delete without a name',
    serviceOp('delete', 't0', { ID: 'a' }),
    'Must provide service name (Service.Service) when service ID is provided',
  ],
  [
    'meta that is none',
    serviceOp('set', 't0', { ID: 'a', Service: 'a', Meta: { 'a.b': '1' } }),
    "Invalid Service Meta for node t0 and serviceID a: Couldn't load metadata pair ('a.b', '1'): Key contains invalid characters",
  ],
  [
    'meta with the key of Consul',
    serviceOp('set', 't0', { ID: 'a', Service: 'a', Meta: { 'consul-x': '1' } }),
    "Invalid Service Meta for node t0 and serviceID a: Couldn't load metadata pair ('consul-x', '1'): Key prefix 'consul-' is reserved for internal use",
  ],
  [
    'meta with a key that is too long',
    serviceOp('set', 't0', { ID: 'a', Service: 'a', Meta: { ['k'.repeat(129)]: '1' } }),
    `Invalid Service Meta for node t0 and serviceID a: Couldn't load metadata pair ('${'k'.repeat(129)}', '1'): Key is too long (limit: 128 characters)`,
  ],
  [
    'meta with a value that is too long',
    serviceOp('set', 't0', { ID: 'a', Service: 'a', Meta: { k: 'v'.repeat(513) } }),
    `Invalid Service Meta for node t0 and serviceID a: Couldn't load metadata pair ('k', '${'v'.repeat(513)}'): Value is too long (limit: 512 characters)`,
  ],
  [
    '65 pairs of meta',
    serviceOp('set', 't0', {
      ID: 'a',
      Service: 'a',
      Meta: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, ''])),
    }),
    'Invalid Service Meta for node t0 and serviceID a: Node metadata cannot contain more than 64 key/value pairs',
  ],
  [
    'a proxy without port and destination',
    serviceOp('set', 't0', { ID: 'p', Service: 'p', Kind: 'connect-proxy' }),
    '2 errors occurred:\n\t* Port or SocketPath must be set for a connect-proxy\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\n',
  ],
  ['a node without a name', nodeOp('set', { Address: '10.0.0.1' }), 'Must provide node'],
  [
    'an unknown verb',
    serviceOp('weird', 't0', { ID: 'a', Service: 'a' }),
    'unknown service operation: weird',
  ],
  ['no verb', serviceOp('', 't0', { ID: 'a', Service: 'a' }), 'unknown service operation: '],
  ['an unknown verb of a node', nodeOp('weird', { Node: 't0' }), 'unknown node operation: weird'],
  [
    'an unknown verb of a check',
    checkOp('weird', { Node: 't0', CheckID: 'a' }),
    'unknown check operation: weird',
  ],
  [
    'a get of a missing service',
    serviceOp('get', 't0', { ID: 'no', Service: 'no' }),
    'service "no" on node "t0" doesn\'t exist',
  ],
  ['a get of a missing node', nodeOp('get', { Node: 'absent' }), 'node "absent" doesn\'t exist'],
  [
    'a get of a missing check',
    checkOp('get', { Node: 't0', CheckID: 'no' }),
    'check "no" on node "t0" doesn\'t exist',
  ],
  [
    'a stale check-and-set of a node',
    nodeOp('cas', { Node: 't0', Address: '10.0.0.2', ModifyIndex: 1 }),
    'failed to set node "t0", index is stale',
  ],
  [
    'a stale delete of a node',
    nodeOp('delete-cas', { Node: 't0', ModifyIndex: 1 }),
    'failed to delete node "t0", index is stale',
  ],
];

const failingCases = failing.map(([what, operation, text]): ContractCase => ({
  what: `transaction: ${what} rolls back`,
  run: async (catalog) => {
    await put(catalog, 'catalog/register', { Node: 't0', Address: '10.0.0.1' });
    assert.deepEqual(await errorsOf(catalog, [operation]), [[0, text]]);
  },
}));

export const transactionCases: readonly ContractCase[] = [
  ...failingCases,
  {
    what: 'transaction: node, service and check at once, and what they became',
    run: async (catalog) => {
      const answer = await put(catalog, 'txn', [
        nodeOp('set', { Node: 't1', Address: '10.1.1.1', Meta: { a: 'b' } }),
        serviceOp('set', 't1', {
          ID: 's',
          Service: 'txn',
          Tags: ['x'],
          Address: 'host.example.com',
          Port: 1,
        }),
        checkOp('set', { Node: 't1', CheckID: 'k', Name: 'k', Status: 'passing', ServiceID: 's' }),
      ]);
      const { Results, Errors } = answer.body as { Results: Json[]; Errors: unknown };
      assert.deepEqual(
        [answer.status, Errors, Results.map((result) => Object.keys(result))],
        [200, null, [['Node'], ['Service'], ['Check']]],
      );
      const health = await get(catalog, 'health/service/txn?passing');
      const [instance] = health.body as { Service: Json; Node: Json; Checks: Json[] }[];
      assert.deepEqual(
        [instance?.Service['Address'], instance?.Node['Meta'], instance?.Checks[0]?.['ServiceTags']],
        ['host.example.com', { a: 'b' }, ['x']],
      );
    },
  },
  {
    what: 'transaction: one bad operation keeps all from happening, and each bad one is told',
    run: async (catalog) => {
      const errors = await errorsOf(catalog, [
        nodeOp('set', { Node: 't2', Address: '10.1.2.1' }),
        serviceOp('set', 't2', { ID: 's', Service: 's' }),
        serviceOp('set', 'absent', { ID: 's', Service: 's' }),
        checkOp('set', { Node: 'absent', CheckID: 'k' }),
      ]);
      assert.deepEqual(errors, [
        [2, 'Missing node registration'],
        [3, 'Missing node registration'],
      ]);
      assert.equal(await servicesOn(catalog, 't2'), undefined);
    },
  },
  {
    what: 'transaction: check-and-set goes through with the index of now, and with 0 for what is not there',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', { Node: 't3', Address: '10.1.3.1' });
      const create = serviceOp('cas', 't3', { ID: 's', Service: 's', ModifyIndex: 0 });
      assert.equal((await put(catalog, 'txn', [create])).status, 200);
      assert.deepEqual(await errorsOf(catalog, [create]), [
        [0, 'failed to set service "s" on node "t3", index is stale'],
      ]);
      const index = await modifyIndex(catalog, 't3');
      const update = serviceOp('cas', 't3', { ID: 's', Service: 's', Port: 7, ModifyIndex: index });
      assert.equal((await put(catalog, 'txn', [update])).status, 200);
      const stale = serviceOp('delete-cas', 't3', { ID: 's', Service: 's', ModifyIndex: index });
      assert.deepEqual(await errorsOf(catalog, [stale]), [
        [0, 'failed to delete service "s" on node "t3", index is stale'],
      ]);
      const current = { ID: 's', Service: 's', ModifyIndex: await modifyIndex(catalog, 't3') };
      assert.equal((await put(catalog, 'txn', [serviceOp('delete-cas', 't3', current)])).status, 200);
      assert.deepEqual(await servicesOn(catalog, 't3'), []);
    },
  },
  {
    what: 'transaction: delete looks at the ID only, takes the checks along, and forgives what is not there',
    run: async (catalog) => {
      await put(catalog, 'txn', [
        nodeOp('set', { Node: 't4', Address: '10.1.4.1' }),
        serviceOp('set', 't4', { ID: 's', Service: 's' }),
        checkOp('set', { Node: 't4', CheckID: 'k', ServiceID: 's' }),
      ]);
      const answer = await put(catalog, 'txn', [
        serviceOp('delete', 't4', { ID: 's', Service: 'another-name' }),
        serviceOp('delete', 't4', { ID: 'absent', Service: 'x' }),
        serviceOp('delete', 'absent', { ID: 'absent', Service: 'x' }),
        nodeOp('delete', { Node: 'absent' }),
        checkOp('delete', { Node: 't4', CheckID: 'absent' }),
      ]);
      assert.deepEqual([answer.status, answer.body], [200, { Results: [], Errors: null }]);
      assert.deepEqual((await get(catalog, 'health/node/t4')).body, []);
      assert.deepEqual(await servicesOn(catalog, 't4'), []);
      await put(catalog, 'txn', [nodeOp('delete', { Node: 't4' })]);
      assert.equal(await servicesOn(catalog, 't4'), undefined);
    },
  },
  {
    what: 'transaction: an operation sees what those before it did',
    run: async (catalog) => {
      const answer = await put(catalog, 'txn', [
        nodeOp('set', { Node: 't5', Address: '10.1.5.1' }),
        serviceOp('set', 't5', { ID: 'old', Service: 'x' }),
        serviceOp('delete', 't5', { ID: 'old', Service: 'x' }),
        serviceOp('set', 't5', { ID: 'new', Service: 'x' }),
        serviceOp('get', 't5', { ID: 'new', Service: 'x' }),
      ]);
      assert.equal(answer.status, 200);
      assert.deepEqual(await servicesOn(catalog, 't5'), ['new']);
    },
  },
  {
    what: 'transaction: the same again moves no index',
    run: async (catalog) => {
      const operations = [
        nodeOp('set', { Node: 't6', Address: '10.1.6.1' }),
        serviceOp('set', 't6', { ID: 's', Service: 's' }),
        checkOp('set', { Node: 't6', CheckID: 'k', Name: 'k', Status: 'passing', ServiceID: 's' }),
      ];
      await put(catalog, 'txn', operations);
      const before = [await get(catalog, 'catalog/node-services/t6'), await get(catalog, 'health/node/t6')];
      await put(catalog, 'txn', operations);
      const after = [await get(catalog, 'catalog/node-services/t6'), await get(catalog, 'health/node/t6')];
      assert.deepEqual(after, before);
    },
  },
  {
    what: 'transaction: upstreams and configuration of a proxy are dropped, and kept by a registration',
    run: async (catalog) => {
      const proxy = {
        ID: 'p',
        Service: 'p',
        Kind: 'connect-proxy',
        Port: 21_000,
        Proxy: {
          DestinationServiceName: 'web',
          LocalServicePort: 80,
          Config: { a: 1 },
          Upstreams: [{ DestinationName: 'db', LocalBindPort: 99 }],
        },
      };
      const kept = async (): Promise<unknown> => {
        const { body } = await get(catalog, 'catalog/node-services/t7');
        const [found] = (body as { Services: { Proxy: Json; Kind: string }[] }).Services;
        const has = (key: string): boolean => found !== undefined && key in found.Proxy;
        return [found?.Kind, found?.Proxy['DestinationServiceName'], has('Upstreams'), has('Config')];
      };
      await put(catalog, 'catalog/register', { Node: 't7', Address: '10.1.7.1', Service: proxy });
      assert.deepEqual(await kept(), ['connect-proxy', 'web', true, true]);
      await put(catalog, 'txn', [serviceOp('set', 't7', proxy)]);
      assert.deepEqual(await kept(), ['connect-proxy', 'web', false, false]);
    },
  },
  {
    what: 'transaction: nothing, and operations that are none, are applied',
    run: async (catalog) => {
      for (const operations of [[], [{}]]) {
        const answer = await call(catalog, 'PUT', '/v1/txn', operations);
        assert.deepEqual([answer.status, (answer.body as { Results: unknown }).Results], [200, []]);
      }
    },
  },
];
