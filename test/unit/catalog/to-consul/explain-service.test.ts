import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainService } from '../../../../src/catalog/to-consul/explain-service.ts';
import { endpoint, observed, SCOPE, service, SETTINGS, slice, related, synced } from './objects.ts';

const around = {
  slices: [
    slice([
      endpoint('10.1.0.1'),
      endpoint('10.1.0.2'),
      endpoint('10.1.0.3'),
      endpoint('10.1.0.4', { conditions: { terminating: true } }),
    ]),
  ],
};
const web = service({ annotations: { 'service-weight': 'x', 'service-sync': 'true' } });

test('a Service that is not synced: the rule and what it means', () => {
  const of = service({ annotations: { 'service-sync': 'false' } });
  const explained = explainService(of, related(around), SETTINGS, undefined);
  assert.deepEqual(explained.decision, {
    kind: 'skip',
    reason: 'opted-out',
    meaning: 'service-sync is false',
  });
  assert.deepEqual(explained.annotations, [{ name: 'consul.hashicorp.com/service-sync', value: 'false' }]);
  assert.deepEqual([explained.addressRule, explained.instances, explained.omitted], [undefined, [], []]);
});

test('a Service that is: the rules, the annotations, and what is left out and why', () => {
  const explained = explainService(web, related(around), SETTINGS, undefined);
  assert.deepEqual(explained.decision, { kind: 'sync', reason: 'opted-in', meaning: 'service-sync is true' });
  assert.equal(explained.source, 'Service/default/web');
  assert.equal(explained.addressRule, 'cluster-ip');
  assert.deepEqual(
    explained.annotations.map(({ name }) => name),
    ['consul.hashicorp.com/service-sync', 'consul.hashicorp.com/service-weight'],
  );
  assert.deepEqual(explained.omitted, [
    {
      reason: 'terminating',
      what: '10.1.0.4',
      meaning: 'the endpoint is terminating, and such endpoints are left out',
    },
  ]);
  assert.deepEqual(
    explained.problems.map(({ reason }) => reason),
    ['invalid-weight'],
  );
  assert.deepEqual(
    explained.instances.map(({ standing }) => standing.kind),
    ['unknown', 'unknown', 'unknown'],
  );
});

test('compared with Consul: how each instance stands, and what is left over', () => {
  const [one, two, three] = synced(web, around).instances;
  assert.ok(one && two && three);
  const leftover = observed({ ...one, id: 'web-000000000000' });
  const seen = [
    observed(one),
    observed(two, { port: 1 }),
    observed(three, { meta: { 'tandem-owner': 'c2' } }),
    leftover,
    observed({ ...one, id: 'other', meta: { ...one.meta, 'tandem-source': 'Service/default/other' } }),
    observed({ ...one, id: 'elsewhere' }, { node: 'worker-1' }),
  ];
  const explained = explainService(web, related(around), SETTINGS, { observed: seen, scope: SCOPE });
  assert.deepEqual(
    explained.instances.map(({ standing }) => standing),
    [{ kind: 'unchanged' }, { kind: 'differs', fields: ['port'] }, { kind: 'foreign', owner: 'c2' }],
  );
  assert.deepEqual(explained.leftover, [leftover]);
  const empty = explainService(web, related(around), SETTINGS, { observed: [], scope: SCOPE });
  assert.deepEqual(
    empty.instances.map(({ standing }) => standing.kind),
    ['missing', 'missing', 'missing'],
  );
});

test('a NodePort Service while nobody knows the nodes: it waits, and nothing is left over', () => {
  const [one] = synced(web, around).instances;
  assert.ok(one);
  const nodePort = service({ spec: { type: 'NodePort' } });
  const unknown = { ...related(around), node: undefined };
  const explained = explainService(nodePort, unknown, SETTINGS, { observed: [observed(one)], scope: SCOPE });
  assert.deepEqual(
    [explained.omitted.map(({ reason }) => reason), explained.instances, explained.leftover],
    [['nodes-unknown'], [], []],
  );
});
