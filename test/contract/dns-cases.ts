/** What DNS answers. The expected values were taken from Consul 1.20.6. */
import assert from 'node:assert/strict';
import type { RecordType } from 'dns-packet';
import { ask, put, type CatalogUnderTest } from './catalog-client.ts';
import type { ContractCase } from './http-cases.ts';

async function fill(catalog: CatalogUnderTest): Promise<void> {
  const register = (body: object): Promise<unknown> => put(catalog, 'catalog/register', body);
  const status = (id: string, Status: string) => ({ CheckID: id, Name: id, Status, ServiceID: id });
  await register({
    Node: 'd1',
    Address: '10.20.0.1',
    NodeMeta: { zone: 'a b' },
    Service: { ID: 'd-1', Service: 'dns-web', Tags: ['v1', 'Blue'], Port: 81 },
    Check: status('d-1', 'passing'),
  });
  await register({
    Node: 'd2',
    Address: '10.20.0.2',
    Service: {
      ID: 'd-2',
      Service: 'dns-web',
      Tags: ['v2'],
      Port: 82,
      Address: 'fd00::2',
      Weights: { Passing: 9, Warning: 4 },
    },
    Check: status('d-2', 'warning'),
  });
  await register({
    Node: 'd3',
    Address: '10.20.0.3',
    Service: { ID: 'd-3', Service: 'dns-web', Port: 83 },
    Check: status('d-3', 'critical'),
  });
  await register({
    Node: 'd3',
    Address: '10.20.0.3',
    Service: {
      ID: 'd-4',
      Service: 'dns-host',
      Port: 84,
      Address: 'www.example.com',
      Weights: { Passing: 5, Warning: 1 },
    },
  });
  await register({
    Node: 'd4',
    Address: '10.20.0.4',
    Service: { ID: 'd-5', Service: 'dns-ill', Port: 85 },
    Check: status('d-5', 'critical'),
  });
  await register({
    Node: 'd5',
    Address: 'host.example.com',
    Service: { ID: 'd-6', Service: 'dns-on-host', Port: 86 },
  });
  for (const port of [87, 88])
    await register({
      Node: 'd6',
      Address: '10.20.0.6',
      Service: { ID: `d-${port}`, Service: 'dns-twice', Port: port, Address: '10.20.1.6' },
    });
}

type Expected = readonly [
  name: string,
  type: RecordType | 'ANY',
  code: string,
  answers: readonly string[],
  additional?: readonly string[],
  authority?: readonly string[],
];

const V2_TARGET = 'fd000000000000000000000000000002.addr.dc1.consul';
const SOA = ['SOA'];

const expected: readonly Expected[] = [
  ['dns-web.service.consul', 'A', 'NOERROR', ['A 10.20.0.1']],
  ['dns-web.service.consul', 'AAAA', 'NOERROR', ['AAAA fd00::2']],
  ['dns-web.service.consul', 'ANY', 'NOERROR', ['A 10.20.0.1', 'AAAA fd00::2']],
  ['dns-web.service.consul', 'TXT', 'NOERROR', ['A 10.20.0.1', 'AAAA fd00::2']],
  [
    'dns-web.service.consul',
    'SRV',
    'NOERROR',
    ['SRV 1 1 81 d1.node.dc1.consul', `SRV 1 4 82 ${V2_TARGET}`],
    ['d1.node.dc1.consul A 10.20.0.1', `${V2_TARGET} AAAA fd00::2`],
  ],
  ['DNS-Web.Service.Consul', 'A', 'NOERROR', ['A 10.20.0.1']],
  ['dns-web.service.dc1.consul', 'A', 'NOERROR', ['A 10.20.0.1']],
  ['dns-web.service.dc9.consul', 'A', 'NXDOMAIN', [], [], SOA],
  ['v1.dns-web.service.consul', 'A', 'NOERROR', ['A 10.20.0.1']],
  ['blue.dns-web.service.consul', 'A', 'NOERROR', ['A 10.20.0.1']],
  ['v1.dns-web.service.consul', 'AAAA', 'NOERROR', [], [], SOA],
  ['v9.dns-web.service.consul', 'A', 'NXDOMAIN', [], [], SOA],
  ['a.b.dns-web.service.consul', 'A', 'NXDOMAIN', [], [], SOA],
  [
    '_dns-web._v2.service.consul',
    'SRV',
    'NOERROR',
    [`SRV 1 4 82 ${V2_TARGET}`],
    [`${V2_TARGET} AAAA fd00::2`],
  ],
  ['_dns-web._tcp.service.consul', 'A', 'NOERROR', ['A 10.20.0.1']],
  ['dns-host.service.consul', 'A', 'NOERROR', ['CNAME www.example.com']],
  ['dns-host.service.consul', 'AAAA', 'NOERROR', ['CNAME www.example.com']],
  ['dns-host.service.consul', 'CNAME', 'NOERROR', ['CNAME www.example.com']],
  ['dns-host.service.consul', 'SRV', 'NOERROR', ['SRV 1 5 84 www.example.com']],
  ['dns-on-host.service.consul', 'A', 'NOERROR', ['CNAME host.example.com']],
  ['dns-on-host.service.consul', 'SRV', 'NOERROR', ['SRV 1 1 86 host.example.com']],
  ['dns-ill.service.consul', 'A', 'NXDOMAIN', [], [], SOA],
  ['dns-absent.service.consul', 'SRV', 'NXDOMAIN', [], [], SOA],
  ['dns-twice.service.consul', 'A', 'NOERROR', ['A 10.20.1.6']],
  ['dns-twice.service.consul', 'AAAA', 'NOERROR', [], [], SOA],
  ['dns-twice.service.consul', 'MX', 'NOERROR', [], [], SOA],
  [
    'dns-twice.service.consul',
    'SRV',
    'NOERROR',
    ['SRV 1 1 87 0a140106.addr.dc1.consul', 'SRV 1 1 88 0a140106.addr.dc1.consul'],
    ['0a140106.addr.dc1.consul A 10.20.1.6'],
  ],
  ['0a140106.addr.dc1.consul', 'A', 'NOERROR', ['A 10.20.1.6']],
  ['0a140106.addr.consul', 'A', 'NOERROR', ['A 10.20.1.6']],
  [V2_TARGET, 'AAAA', 'NOERROR', ['AAAA fd00::2']],
  [V2_TARGET, 'A', 'NOERROR', [], [`${V2_TARGET} AAAA fd00::2`]],
  ['zz.addr.consul', 'A', 'NXDOMAIN', [], [], SOA],
  ['d1.node.consul', 'A', 'NOERROR', ['A 10.20.0.1']],
  ['D1.node.dc1.consul', 'A', 'NOERROR', ['A 10.20.0.1']],
  ['d1.node.consul', 'AAAA', 'NOERROR', []],
  ['d1.node.consul', 'TXT', 'NOERROR', ['TXT zone=a b']],
  ['d1.node.consul', 'ANY', 'NOERROR', ['A 10.20.0.1', 'TXT zone=a b']],
  ['d1.node.consul', 'SRV', 'NOERROR', []],
  ['d5.node.consul', 'A', 'NOERROR', ['CNAME host.example.com']],
  ['dns-absent.node.consul', 'A', 'NXDOMAIN', [], [], SOA],
  ['consul', 'A', 'NXDOMAIN', [], [], SOA],
  ['service.consul', 'A', 'NXDOMAIN', [], [], SOA],
  ['foo.consul', 'A', 'NXDOMAIN', [], [], SOA],
];

export const dnsCases: readonly ContractCase[] = [
  ...expected.map(([name, type, code, answers, additional = [], authority = []]): ContractCase => ({
    what: `DNS: ${type} of ${name} is ${answers.length === 0 ? code : answers.join(', ')}`,
    run: async (catalog) => {
      await fill(catalog);
      for (const transport of ['udp', 'tcp'] as const) {
        assert.deepEqual(
          await ask(catalog, name, type, { transport }),
          { code, answers, additional, authority, isAuthoritative: true, isTruncated: false },
          transport,
        );
      }
    },
  })),
  {
    what: 'DNS: a name of another domain is refused',
    run: async (catalog) => {
      const { code, isAuthoritative } = await ask(catalog, 'www.example.org', 'A');
      assert.deepEqual([code, isAuthoritative], ['REFUSED', false]);
    },
  },
  {
    what: 'DNS: many instances come whole over TCP and to who takes large packets',
    run: async (catalog) => {
      const operations = Array.from({ length: 40 }, (_, index) => ({
        Service: {
          Verb: 'set',
          Node: 'd7',
          Service: { ID: `d-many-${index}`, Service: 'dns-many', Address: `10.20.7.${index + 1}` },
        },
      }));
      await put(catalog, 'catalog/register', { Node: 'd7', Address: '10.20.0.7' });
      await put(catalog, 'txn', operations);
      const count = async (how: Parameters<typeof ask>[3]): Promise<unknown> => {
        const { answers, isTruncated } = await ask(catalog, 'dns-many.service.consul', 'A', how);
        return [answers.length, isTruncated];
      };
      assert.deepEqual(await count({ transport: 'tcp' }), [40, false]);
      assert.deepEqual(await count({ payload: 4096 }), [40, false]);
    },
  },
];
