/** What a catalog answers over HTTP. The expected values were taken from Consul 1.20.6. */
import assert from 'node:assert/strict';
import { call, get, put, type CatalogUnderTest } from './catalog-client.ts';

export type ContractCase = {
  readonly what: string;
  /**
   * Each case has nodes and services of its own, so that all of them can run on one catalog. No name of a node is one or
   * more hexadecimal digits: Consul would take it for the start of an ID.
   */
  readonly run: (catalog: CatalogUnderTest) => Promise<void>;
};

const NO_PROXY = { Mode: '', MeshGateway: {}, Expose: {} };

function node(name: string, address: string, meta: Readonly<Record<string, string>> | null = null) {
  return { ID: '', Node: name, Address: address, Datacenter: 'dc1', TaggedAddresses: null, Meta: meta };
}

function service(id: string, name: string, more: object = {}) {
  return {
    ID: id,
    Service: name,
    Tags: [],
    Address: '',
    Meta: null,
    Weights: { Passing: 1, Warning: 1 },
    EnableTagOverride: false,
    Proxy: NO_PROXY,
    Connect: {},
    PeerName: '',
    ...more,
  };
}

function check(nodeName: string, id: string, status: string, more: object = {}) {
  return {
    Node: nodeName,
    CheckID: id,
    Name: id,
    Status: status,
    Notes: '',
    Output: '',
    ServiceID: '',
    ServiceName: '',
    ServiceTags: [],
    Type: '',
    Interval: '',
    Timeout: '',
    ExposedPort: 0,
    Definition: {},
    ...more,
  };
}

const refusals: readonly (readonly [string, string, string, unknown, number, RegExp])[] = [
  ['no node', 'PUT', 'catalog/register', { Address: '10.0.0.1' }, 500, /^Must provide node$/],
  [
    'no address',
    'PUT',
    'catalog/register',
    { Node: 'x' },
    500,
    /^Must provide address if SkipNodeUpdate is not set$/,
  ],
  [
    'meta that is none',
    'PUT',
    'catalog/register',
    { Node: 'x', Address: '10.0.0.1', Service: { Service: 'q', Meta: { 'bad.key': '1' } } },
    500,
    /Couldn't load metadata pair \('bad.key', '1'\): Key contains invalid characters/,
  ],
  [
    'a check of a service that is not there',
    'PUT',
    'catalog/register',
    { Node: 'x', Address: '10.0.0.1', Check: { Name: 'c', ServiceID: 'nope' } },
    500,
    /^Unknown service ID 'nope' for check ID 'c'$/,
  ],
  [
    'a check of another node',
    'PUT',
    'catalog/register',
    { Node: 'x', Address: '10.0.0.1', Check: { Name: 'c', Node: 'y' } },
    500,
    /^Node 'y' for check 'c' doesn't match register request node 'x'$/,
  ],
  [
    'an ID without a name',
    'PUT',
    'catalog/register',
    { Node: 'x', Address: '10.0.0.1', Service: { ID: 'a' } },
    500,
    /^Must provide service name \(Service.Service\) when service ID is provided$/,
  ],
  [
    'a proxy without a port',
    'PUT',
    'catalog/register',
    {
      Node: 'x',
      Address: '10.0.0.1',
      Service: { Service: 'p', Kind: 'connect-proxy', Proxy: { DestinationServiceName: 'a' } },
    },
    500,
    /^1 error occurred:\s+\* Port or SocketPath must be set for a connect-proxy$/,
  ],
  ['another datacenter', 'GET', 'catalog/services?dc=dc9', undefined, 500, /^No path to datacenter$/],
  ['a broken body', 'PUT', 'catalog/register', '{bad', 400, /^Request decode failed: /],
  ['no body', 'PUT', 'catalog/register', '', 400, /^Request decode failed: /],
  [
    'an unknown field',
    'PUT',
    'catalog/register',
    { Node: 'x', Address: '10.0.0.1', Foo: 1 },
    400,
    /^Request decode failed: json: unknown field "Foo"$/,
  ],
  ['a deregistration of no node', 'PUT', 'catalog/deregister', {}, 500, /^Must provide node$/],
  ['an unknown field in it', 'PUT', 'catalog/deregister', { Node: 'x', Foo: 1 }, 400, /unknown field "Foo"/],
  ['a read of a write', 'GET', 'catalog/register', undefined, 405, /^method GET not allowed$/],
  ['a write of a read', 'PUT', 'catalog/nodes', undefined, 405, /^method PUT not allowed$/],
  ['an unknown path', 'GET', 'nothing', undefined, 404, /^Invalid URL path/],
  ['an index that is no number', 'GET', 'catalog/services?index=abc', undefined, 400, /^Invalid index$/],
  ['a wait that is no duration', 'GET', 'catalog/services?wait=abc', undefined, 400, /^Invalid wait time$/],
  ['no name of a service', 'GET', 'catalog/service/', undefined, 400, /^Missing service name$/],
  ['a broken transaction', 'PUT', 'txn', '{bad', 400, /^Failed to parse body: /],
  ['an unknown kind of operation', 'PUT', 'txn', [{ Foo: {} }], 400, /unknown field "Foo"/],
  [
    'an unknown field of an operation',
    'PUT',
    'txn',
    [{ Service: { Verb: 'set', Node: 'x', Service: { ID: 'a', Service: 'a', Bogus: 1 } } }],
    400,
    /unknown field "Bogus"/,
  ],
  [
    '129 operations',
    'PUT',
    'txn',
    Array.from({ length: 129 }, () => ({ Node: { Verb: 'get', Node: { Node: 'x' } } })),
    413,
    /^Transaction contains too many operations \(129 > 128\)$/,
  ],
  [
    'half a megabyte',
    'PUT',
    'txn',
    [{ Node: { Verb: 'set', Node: { Node: 'x', Address: '10.0.0.1', Meta: { a: 'x'.repeat(524_288) } } } }],
    413,
    /^Request body\(\d+ bytes\) too large, max size: 524288 bytes/,
  ],
];

const refusalCases = refusals.map(([what, method, path, body, status, text]): ContractCase => ({
  what: `${what} is ${status}`,
  run: async (catalog) => {
    const answer = await call(catalog, method, `/v1/${path}`, body);
    assert.equal(answer.status, status);
    assert.match(String(answer.body), text);
  },
}));

export const httpCases: readonly ContractCase[] = [
  ...refusalCases,
  {
    what: 'what is not there is an empty answer',
    run: async (catalog) => {
      const bodies: unknown[] = [];
      for (const path of [
        'catalog/node-services/absent',
        'catalog/node/absent',
        'health/node/absent',
        'catalog/service/absent',
        'health/service/absent',
        'health/checks/absent',
      ]) {
        const answer = await get(catalog, path);
        bodies.push([answer.status, answer.body, answer.index > 0]);
      }
      const empty = [200, [], true];
      assert.deepEqual(bodies, [
        [200, { Node: null, Services: null }, true],
        [200, null, true],
        empty,
        empty,
        empty,
        empty,
      ]);
    },
  },
  {
    what: 'a registration is read in every shape',
    run: async (catalog) => {
      const registered = await put(catalog, 'catalog/register', {
        Node: 'n1',
        Address: '10.1.0.1',
        NodeMeta: { b: '2', a: '1' },
        Service: {
          ID: 'shop-1',
          Service: 'shop',
          Tags: ['v1', 'Blue'],
          Port: 80,
          Meta: { k: 'v' },
          Weights: { Passing: 3, Warning: 2 },
        },
        Check: { CheckID: 'shop-1-ready', Name: 'shop-1-ready', Status: 'passing', ServiceID: 'shop-1' },
      });
      assert.deepEqual([registered.status, registered.body], [200, true]);
      const theNode = node('n1', '10.1.0.1', { a: '1', b: '2' });
      const theService = service('shop-1', 'shop', {
        Tags: ['v1', 'Blue'],
        Port: 80,
        Meta: { k: 'v' },
        Weights: { Passing: 3, Warning: 2 },
      });
      const theCheck = check('n1', 'shop-1-ready', 'passing', {
        ServiceID: 'shop-1',
        ServiceName: 'shop',
        ServiceTags: ['v1', 'Blue'],
      });
      const body = async (path: string): Promise<unknown> => (await get(catalog, path)).body;
      assert.deepEqual(await body('catalog/node-services/n1'), { Node: theNode, Services: [theService] });
      assert.deepEqual(await body('catalog/node/n1'), {
        Node: theNode,
        Services: { 'shop-1': theService },
      });
      assert.deepEqual(await body('health/node/n1'), [theCheck]);
      assert.deepEqual(await body('health/checks/shop'), [theCheck]);
      const health = [{ Node: theNode, Service: theService, Checks: [theCheck] }];
      assert.deepEqual(await body('health/service/shop'), health);
      assert.deepEqual(await body('health/service/shop?passing'), health);
      assert.deepEqual(await body('health/service/shop?tag=blue&tag=v1'), health);
      assert.deepEqual(await body('health/service/shop?tag=v2'), []);
      assert.deepEqual(await body('catalog/service/shop'), [
        {
          ID: '',
          Node: 'n1',
          Address: '10.1.0.1',
          Datacenter: 'dc1',
          TaggedAddresses: null,
          NodeMeta: { a: '1', b: '2' },
          ServiceKind: '',
          ServiceID: 'shop-1',
          ServiceName: 'shop',
          ServiceTags: ['v1', 'Blue'],
          ServiceAddress: '',
          ServiceWeights: { Passing: 3, Warning: 2 },
          ServiceMeta: { k: 'v' },
          ServicePort: 80,
          ServiceSocketPath: '',
          ServiceEnableTagOverride: false,
          ServiceProxy: NO_PROXY,
          ServiceConnect: {},
          ServiceLocality: null,
        },
      ]);
      const services = (await body('catalog/services')) as Record<string, string[]>;
      assert.deepEqual(services['shop']?.toSorted(), ['Blue', 'v1']);
      const nodes = (await body('catalog/nodes')) as { Node: string }[];
      assert.deepEqual(
        nodes.filter(({ Node }) => Node === 'n1'),
        [theNode],
      );
      const passing = (await body('health/state/passing')) as { CheckID: string }[];
      assert.deepEqual(
        passing.filter(({ CheckID }) => CheckID === 'shop-1-ready'),
        [theCheck],
      );
    },
  },
  {
    what: 'a filter that compares one field with one text leaves the others out, and keeps the index',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', {
        Node: 'n13',
        Address: '10.13.0.1',
        Service: { ID: 'kept-1', Service: 'kept' },
        Check: { Node: 'n13', CheckID: 'kept-1-ready', Name: 'r', Status: 'passing', ServiceID: 'kept-1' },
      });
      const filter = (expression: string): string => `filter=${encodeURIComponent(expression)}`;
      const ids = async (path: string): Promise<readonly string[]> => {
        const { body } = await get(catalog, path);
        const list = (Array.isArray(body) ? body : (body as { Services: unknown }).Services) ?? [];
        return (list as { ID?: string; CheckID?: string }[]).map(({ ID, CheckID }) => ID ?? CheckID ?? '');
      };
      assert.deepEqual(await ids(`catalog/node-services/n13?${filter('ID == "kept-1"')}`), ['kept-1']);
      assert.deepEqual(await ids(`catalog/node-services/n13?${filter('ID == "-"')}`), []);
      assert.deepEqual(await ids(`health/node/n13?${filter('CheckID == "kept-1-ready"')}`), ['kept-1-ready']);
      assert.deepEqual(await ids(`health/node/n13?${filter('CheckID == "-"')}`), []);
    },
  },
  {
    what: 'a node without services has none, as null',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', { Node: 'n12', Address: '10.12.0.1' });
      const { body } = await get(catalog, 'catalog/node-services/n12');
      assert.deepEqual(body, { Node: node('n12', '10.12.0.1'), Services: null });
    },
  },
  {
    what: 'passing leaves out an instance with any other check, of its node too',
    run: async (catalog) => {
      const registration = (name: string, status: string) => ({
        Node: name,
        Address: '10.2.0.1',
        Service: { ID: `pass-${name}`, Service: 'pass' },
        Check: { CheckID: `pass-${name}`, Name: 'x', Status: status, ServiceID: `pass-${name}` },
      });
      await put(catalog, 'catalog/register', registration('c2a', 'passing'));
      await put(catalog, 'catalog/register', registration('c2b', 'warning'));
      await put(catalog, 'catalog/register', registration('c2c', 'critical'));
      await put(catalog, 'catalog/register', registration('c2d', 'passing'));
      await put(catalog, 'catalog/register', {
        Node: 'c2d',
        Address: '10.2.0.1',
        Check: { CheckID: 'node-check', Name: 'x', Status: 'critical' },
      });
      const names = async (query: string): Promise<string[]> => {
        const { body } = await get(catalog, `health/service/pass${query}`);
        return (body as { Node: { Node: string } }[]).map(({ Node }) => Node.Node).toSorted();
      };
      assert.deepEqual(await names('?passing'), ['c2a']);
      assert.deepEqual(await names('?passing=false'), ['c2a', 'c2b', 'c2c', 'c2d']);
      assert.deepEqual(await names(''), ['c2a', 'c2b', 'c2c', 'c2d']);
    },
  },
  {
    what: 'defaults: ID from the name, critical checks, weights that make no sense',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', {
        Node: 'n3',
        Address: '10.3.0.1',
        Service: { Service: 'plain', Weights: { Passing: 0, Warning: 70_000 } },
        Check: { Name: 'plain-check' },
      });
      const { body } = await get(catalog, 'catalog/node-services/n3');
      assert.deepEqual(body, { Node: node('n3', '10.3.0.1'), Services: [service('plain', 'plain')] });
      const checks = await get(catalog, 'health/node/n3');
      assert.deepEqual(checks.body, [check('n3', 'plain-check', 'critical')]);
    },
  },
  {
    what: 'SkipNodeUpdate makes a missing node and leaves alone one that is there',
    run: async (catalog) => {
      const registration = { Node: 'n4', SkipNodeUpdate: true, Service: { ID: 'a', Service: 'skip' } };
      const addressOf = async (): Promise<unknown> => {
        const { body } = await get(catalog, 'catalog/node-services/n4');
        return (body as { Node: { Address: string } }).Node.Address;
      };
      await put(catalog, 'catalog/register', registration);
      assert.equal(await addressOf(), '');
      await put(catalog, 'catalog/register', { Node: 'n4', Address: '10.4.0.1' });
      await put(catalog, 'catalog/register', { ...registration, Address: '10.4.0.9' });
      assert.equal(await addressOf(), '10.4.0.1');
    },
  },
  {
    what: 'a service goes with its checks, a node with everything, and twice is no error',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', {
        Node: 'n5',
        Address: '10.5.0.1',
        Service: { ID: 'gone', Service: 'gone' },
        Checks: [
          { CheckID: 'of-service', Name: 'x', ServiceID: 'gone' },
          { CheckID: 'of-node', Name: 'x' },
          { CheckID: 'alone', Name: 'x' },
        ],
      });
      const checks = async (): Promise<string[]> => {
        const { body } = await get(catalog, 'health/node/n5');
        return (body as { CheckID: string }[]).map(({ CheckID }) => CheckID).toSorted();
      };
      assert.deepEqual(await checks(), ['alone', 'of-node', 'of-service']);
      await put(catalog, 'catalog/deregister', { Node: 'n5', CheckID: 'alone' });
      assert.deepEqual(await checks(), ['of-node', 'of-service']);
      await put(catalog, 'catalog/deregister', { Node: 'n5', ServiceID: 'gone' });
      assert.deepEqual(await checks(), ['of-node']);
      // Twice at least, and again when it is back before the look, as a node is that registers itself.
      let left: unknown;
      for (let times = 0; times < 2 || (left !== null && times < 50); times += 1) {
        const answer = await put(catalog, 'catalog/deregister', { Node: 'n5' });
        assert.deepEqual([answer.status, answer.body], [200, true]);
        left = (await get(catalog, 'catalog/node/n5')).body;
      }
      assert.deepEqual(left, null);
      assert.deepEqual(await checks(), []);
    },
  },
  {
    what: 'a registration that fails changes nothing',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', {
        Node: 'n6',
        Address: '10.6.0.1',
        Service: { ID: 'half', Service: 'half', Meta: { 'a/b': '1' } },
      });
      assert.deepEqual((await get(catalog, 'catalog/node/n6')).body, null);
    },
  },
  {
    what: 'the meta of a node may have any keys',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', {
        Node: 'n7',
        Address: '10.7.0.1',
        NodeMeta: { 'kubernetes.io/arch': 'x' },
      });
      const { body } = await get(catalog, 'catalog/node/n7');
      assert.deepEqual(body, {
        Node: node('n7', '10.7.0.1', { 'kubernetes.io/arch': 'x' }),
        Services: {},
      });
    },
  },
  {
    what: 'an unchanged registration moves no index, and a changed one does',
    run: async (catalog) => {
      const registration = { Node: 'n8', Address: '10.8.0.1', Service: { ID: 'same', Service: 'same' } };
      await put(catalog, 'catalog/register', registration);
      const first = await get(catalog, 'catalog/node-services/n8');
      await put(catalog, 'catalog/register', registration);
      const second = await get(catalog, 'catalog/node-services/n8');
      await put(catalog, 'catalog/register', {
        ...registration,
        Service: { ID: 'same', Service: 'same', Port: 1 },
      });
      const third = await get(catalog, 'catalog/node-services/n8');
      assert.equal(second.index, first.index);
      assert.ok(third.index > second.index);
    },
  },
  {
    what: 'a blocking query comes back at a change, and not before',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', { Node: 'n9', Address: '10.9.0.1' });
      const { index } = await get(catalog, 'catalog/node-services/n9');
      let isBack = false;
      const pending = get(catalog, `catalog/node-services/n9?index=${index}&wait=60s`).then((answer) => {
        isBack = true;
        return answer;
      });
      // Reads of something else give it every occasion to come back too early.
      for (let count = 0; count < 5; count += 1) await get(catalog, 'catalog/node/n9');
      assert.equal(isBack, false);
      await put(catalog, 'catalog/register', {
        Node: 'n9',
        Address: '10.9.0.1',
        Service: { ID: 'woke', Service: 'woke' },
      });
      const answer = await pending;
      assert.ok(answer.index > index);
      assert.deepEqual(answer.body, { Node: node('n9', '10.9.0.1'), Services: [service('woke', 'woke')] });
    },
  },
  {
    what: 'a blocking query comes back when its wait is over, with the same index',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', { Node: 'n10', Address: '10.10.0.1' });
      const { index } = await get(catalog, 'catalog/node-services/n10');
      const answer = await get(catalog, `catalog/node-services/n10?index=${index}&wait=10ms`);
      assert.deepEqual([answer.status, answer.index], [200, index]);
    },
  },
  {
    what: 'an index of the past answers at once',
    run: async (catalog) => {
      await put(catalog, 'catalog/register', { Node: 'n11', Address: '10.11.0.1' });
      const answer = await call(
        catalog,
        'GET',
        '/v1/catalog/node-services/n11?index=1&wait=60s',
        undefined,
        AbortSignal.timeout(5000),
      );
      assert.equal(answer.status, 200);
    },
  },
  {
    what: 'there is a leader, among the peers, in a datacenter',
    run: async (catalog) => {
      const leader = (await get(catalog, 'status/leader')).body;
      assert.match(String(leader), /^127\.0\.0\.1:\d+$/);
      assert.deepEqual((await get(catalog, 'status/peers')).body, [leader]);
      assert.deepEqual((await get(catalog, 'catalog/datacenters')).body, ['dc1']);
      const self = (await get(catalog, 'agent/self')).body as { Config: Record<string, unknown> };
      assert.deepEqual([self.Config['Datacenter'], self.Config['Server']], ['dc1', true]);
      assert.match(String(self.Config['Version']), /^\d+\.\d+\.\d+/);
    },
  },
];
