import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkEntries, nodeServices } from '../../../src/model/consul-entries.ts';
import { observeNode, type Observed } from '../../../src/model/observed-node.ts';

const NODE = {
  ID: '',
  Node: 'k8s-sync-c1',
  Address: '127.0.0.1',
  Datacenter: 'dc1',
  TaggedAddresses: null,
  Meta: { 'external-source': 'kubernetes' },
};
// As Consul 1.20.6 answers.
const SERVICE = {
  ID: 'Web-1',
  Service: 'Web',
  Tags: [],
  Address: '10.0.0.1',
  Meta: null,
  Port: 1,
  Weights: { Passing: 5, Warning: 1 },
  EnableTagOverride: false,
  Proxy: { Mode: '', MeshGateway: {}, Expose: {} },
  Connect: {},
  PeerName: '',
  CreateIndex: 19,
  ModifyIndex: 20,
};
const CHECK = {
  Node: 'k8s-sync-c1',
  CheckID: 'Web-1-readiness',
  Name: 'x',
  Status: 'passing',
  Notes: '',
  Output: 'fine',
  ServiceID: 'Web-1',
  ServiceName: 'Web',
  Type: '',
  Definition: {},
};

const observe = (services: unknown, checks: unknown): Observed =>
  observeNode(nodeServices(services), checkEntries(checks));

test('services and checks become instances', () => {
  const other = { ...CHECK, CheckID: 'other', Status: 'weird' };
  const serf = { ...CHECK, CheckID: 'serfHealth', ServiceID: '' };
  const read = observe({ Node: NODE, Services: [SERVICE] }, [serf, CHECK, other]);
  assert.deepEqual(read, {
    node: {
      name: 'k8s-sync-c1',
      address: '127.0.0.1',
      isOfAgent: false,
      meta: { 'external-source': 'kubernetes' },
    },
    instances: [
      {
        id: 'Web-1',
        name: 'Web',
        node: 'k8s-sync-c1',
        address: '10.0.0.1',
        port: 1,
        tags: [],
        meta: {},
        weight: 5,
        warningWeight: 1,
        kind: '',
        check: { id: 'Web-1-readiness', name: 'x', status: 'passing', output: 'fine' },
        otherChecks: [{ id: 'other', name: 'x', status: 'warning', output: 'fine' }],
      },
    ],
  });
});

test('the readiness check is known by its id as Consul compares it', () => {
  const lower = { ...CHECK, CheckID: 'web-1-readiness', ServiceID: 'web-1' };
  const [instance] = observe({ Node: NODE, Services: [SERVICE] }, [lower]).instances;
  assert.deepEqual([instance?.check?.id, instance?.otherChecks], ['web-1-readiness', []]);
});

test('what Consul leaves out is what it means', () => {
  const read = observe({ Node: NODE, Services: [{ ID: 'a', Service: 'web' }] }, []);
  const { address, port, tags, meta, weight, warningWeight, kind, check } = read.instances[0] ?? {};
  assert.deepEqual(
    [address, port, tags, meta, weight, warningWeight, kind, check],
    ['', 0, [], {}, 1, 1, '', undefined],
  );
});

test('a node that Consul does not have, and one without services, are answers', () => {
  assert.deepEqual(observe({ Node: null, Services: null }, []), { node: undefined, instances: [] });
  assert.deepEqual(observe({ Node: NODE, Services: null }, []).instances, []);
});

const broken: readonly [string, unknown, unknown][] = [
  ['no body', undefined, []],
  ['null', null, []],
  ['a text', 'No cluster leader', []],
  ['an empty object', {}, []],
  ['services that are no list', { Node: NODE, Services: {} }, []],
  ['a service without an id', { Node: NODE, Services: [SERVICE, { Service: 'web' }] }, []],
  ['a service without a name', { Node: NODE, Services: [{ ID: 'a' }] }, []],
  ['a node without a name', { Node: {}, Services: [] }, []],
  ['no checks', { Node: NODE, Services: [] }, undefined],
  ['checks that are no list', { Node: NODE, Services: [] }, {}],
  ['a check without an id', { Node: NODE, Services: [SERVICE] }, [{}]],
];

for (const [what, services, checks] of broken) {
  test(`no answer: ${what}`, () => {
    assert.throws(() => observe(services, checks));
  });
}
