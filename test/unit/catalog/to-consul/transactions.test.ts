import { TRANSACTION_LIMITS } from '../../../../src/model/consul-names.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitBatch, withoutReplaced } from '../../../../src/catalog/to-consul/failed-batch.ts';
import type { Instance } from '../../../../src/model/instance.ts';
import { plan } from '../../../../src/catalog/to-consul/consul-plan.ts';
import {
  batchesOf,
  changesOf,
  deregistration,
  operationsOf,
  syncNode,
  withNode,
  type Batch,
  type Change,
} from '../../../../src/catalog/to-consul/transactions.ts';
import { endpoint, NODE, observed, SCOPE, service, slice, synced } from './objects.ts';

const endpoints = (count: number): readonly Instance[] =>
  synced(service(), {
    slices: [
      slice(Array.from({ length: count }, (_, index) => endpoint(`10.1.${index >> 8}.${index & 255}`))),
    ],
  }).instances;
const [first, second, third] = endpoints(3).toSorted((left, right) =>
  left.address < right.address ? -1 : 1,
);
assert.ok(first?.check && second && third);
const REGISTERED = { name: NODE, registered: true };
const MISSING = { name: NODE, registered: false };

function bodyOf(batch: Batch | undefined): unknown {
  assert.ok(batch);
  return JSON.parse(JSON.stringify(operationsOf(batch)));
}

function operations(
  desired: readonly Instance[],
  found: Parameters<typeof plan>[1],
  node = REGISTERED,
): unknown {
  const { batches, tooLarge } = batchesOf(
    changesOf(plan(desired, found, SCOPE), NODE),
    node,
    TRANSACTION_LIMITS,
  );
  assert.deepEqual(tooLarge, []);
  assert.ok(batches.length <= 1);
  return batches[0] === undefined ? [] : bodyOf(batches[0]);
}

const SET_NODE = {
  Node: {
    Verb: 'set',
    Node: { Node: NODE, Address: '127.0.0.1', Meta: { 'external-source': 'kubernetes' } },
  },
};
const SET_SERVICE = {
  Service: {
    Verb: 'set',
    Node: NODE,
    Service: {
      ID: first.id,
      Service: 'web',
      Tags: ['k8s'],
      Address: '10.1.0.0',
      Port: 8080,
      Meta: first.meta,
      Weights: { Passing: 1, Warning: 1 },
    },
  },
};
const SET_CHECK = {
  Check: {
    Verb: 'set',
    Check: {
      Node: NODE,
      CheckID: `${first.id}-readiness`,
      Name: 'Kubernetes Readiness Check',
      Status: 'passing',
      Output: 'Kubernetes reports the endpoint as ready',
      ServiceID: first.id,
      ServiceName: 'web',
    },
  },
};
test('registration: the service, then its check; the node in front when Consul does not have it', () => {
  assert.deepEqual(operations([first], []), [SET_SERVICE, SET_CHECK]);
  assert.deepEqual(operations([first], [], MISSING), [SET_NODE, SET_SERVICE, SET_CHECK]);
});

test('an instance without a check is one operation', () => {
  const verbs = operations([{ ...first, check: undefined }], []) as object[];
  assert.deepEqual(
    verbs.map((each) => Object.keys(each)[0]),
    ['Service'],
  );
});

const update = (desired: Instance, parts: Parameters<typeof observed>[1]): string[] =>
  (operations([desired], [observed(first, parts)]) as Record<string, { Verb: string }>[]).map((each) =>
    Object.entries(each)
      .map(([kind, { Verb }]) => `${Verb} ${kind}`)
      .join(),
  );

test('an update writes what differs', () => {
  assert.deepEqual(update(first, {}), []);
  assert.deepEqual(update(first, { check: undefined }), ['set Check']);
  assert.deepEqual(update(first, { tags: [] }), ['set Service', 'set Check']);
  assert.deepEqual(update({ ...first, check: undefined }, {}), ['delete Check']);
  assert.deepEqual(update({ ...first, check: undefined }, { port: 1 }), ['set Service', 'delete Check']);
});

test('a removal has both the id and the name, which Consul asks for', () => {
  assert.deepEqual(operations([], [observed(first)]), [
    { Service: { Verb: 'delete', Node: NODE, Service: { ID: first.id, Service: 'web' } } },
  ]);
});

test('a removal on another node, as an adoption needs it', () => {
  const change = deregistration(observed(first, { node: 'k8s-sync' }));
  assert.deepEqual(change.operations, [
    { Service: { Verb: 'delete', Node: 'k8s-sync', Service: { ID: first.id, Service: 'web' } } },
  ]);
});

test('everything that adds is before everything that removes', () => {
  const found = plan([first, second], [observed(second, { port: 1 }), observed(third)], SCOPE);
  assert.deepEqual(
    changesOf(found, NODE).map(({ action, source }) => [action, source]),
    [
      ['register', 'Service/default/web'],
      ['update', 'Service/default/web'],
      ['deregister', 'Service/default/web'],
    ],
  );
});

for (const limit of [128, 64]) {
  test(`at most ${limit} operations, and the ones of an instance stay together`, () => {
    const changes = changesOf(plan(endpoints(200), [], SCOPE), NODE);
    const { batches } = batchesOf(changes, MISSING, { ...TRANSACTION_LIMITS, operations: limit });
    // One operation is for the node, and an instance has two.
    const perBatch = (limit - 2) / 2;
    assert.equal(batches.length, Math.ceil(200 / perBatch));
    for (const batch of batches) assert.ok(operationsOf(batch).length <= limit);
    assert.deepEqual(
      batches.flatMap((batch) => batch.changes),
      changes,
    );
  });
}

test('a batch is measured in bytes of UTF-8, to the byte', () => {
  const wide = endpoints(10).map((each) => ({ ...each, tags: ['ü'.repeat(500)] }));
  const changes = changesOf(plan(wide, [], SCOPE), NODE);
  for (const node of [REGISTERED, MISSING]) {
    const { batches } = batchesOf(changes, node, { operations: 128, bytes: 6000 });
    assert.ok(batches.length > 1);
    for (const batch of batches) {
      assert.equal(batch.bytes, Buffer.byteLength(JSON.stringify(operationsOf(batch))));
      assert.ok(batch.bytes <= 6000);
    }
  }
});

test('a change that no batch can hold does not stop the others', () => {
  const huge = { ...second, tags: ['x'.repeat(400_000)] };
  const changes = changesOf(plan([first, huge, third], [], SCOPE), NODE);
  const { batches, tooLarge } = batchesOf(changes, REGISTERED, TRANSACTION_LIMITS);
  assert.deepEqual(
    tooLarge.map(({ instance }) => instance.id),
    [huge.id],
  );
  assert.equal(batches.length, 1);
  assert.equal(batches[0]?.changes.length, 2);
});

test('a batch with the node in front is still within the limits', () => {
  const changes = changesOf(plan(endpoints(500), [], SCOPE), NODE);
  for (const limits of [TRANSACTION_LIMITS, { operations: 64, bytes: 20_000 }])
    for (const batch of batchesOf(changes, REGISTERED, limits).batches) {
      const grown = withNode(batch, NODE);
      assert.ok(operationsOf(grown).length <= limits.operations && grown.bytes <= limits.bytes);
      assert.deepEqual(operationsOf(grown)[0], SET_NODE);
    }
});

test('room for the node is kept to the byte', () => {
  const changes = changesOf(plan([first], [], SCOPE), NODE);
  const whole = batchesOf(changes, MISSING, TRANSACTION_LIMITS).batches[0];
  const bytes = whole?.bytes ?? 0;
  for (const node of [REGISTERED, MISSING]) {
    assert.equal(batchesOf(changes, node, { operations: 3, bytes }).batches.length, 1);
    assert.equal(batchesOf(changes, node, { operations: 3, bytes: bytes - 1 }).tooLarge.length, 1);
    assert.equal(batchesOf(changes, node, { operations: 2, bytes }).tooLarge.length, 1);
  }
});

test('the node is written when it is not there or not as it shall be', () => {
  const meta = { 'external-source': 'kubernetes', more: 'x' };
  const node = { name: NODE, address: '127.0.0.1', isOfAgent: false, meta };
  assert.equal(syncNode(NODE, undefined).registered, false);
  assert.equal(syncNode(NODE, node).registered, true);
  assert.equal(syncNode(NODE, { ...node, address: '10.0.0.1' }).registered, false);
  assert.equal(syncNode(NODE, { ...node, meta: {} }).registered, false);
});

const [batch] = batchesOf(
  changesOf(plan([first, second, third], [], SCOPE), NODE),
  REGISTERED,
  TRANSACTION_LIMITS,
).batches;
assert.ok(batch);
const ids = (part: Pick<Batch, 'changes'> | undefined) => part?.changes.map(({ instance }) => instance.id);
const order = ids(batch) ?? [];

test('a refused operation is taken out with its instance, and the others stay', () => {
  // The check of the second instance, and what comes of it.
  const split = splitBatch(batch, [{ index: 3, what: 'bad check' }], '409');
  assert.equal(split.kind, 'isolated');
  assert.ok(split.kind === 'isolated');
  assert.deepEqual(
    split.refused.map(({ change, reason }) => [change.instance.id, reason]),
    [[order[1], 'bad check']],
  );
  assert.deepEqual(ids(split.rest), [order[0], order[2]]);
});

test('the first error of an instance is its reason, and with the node in front the indexes move by one', () => {
  const errors = [
    { index: 2, what: 'Missing service registration' },
    { index: 1, what: 'bad meta' },
    { index: 5, what: 'bad tag' },
    { index: 99, what: 'nobody' },
  ];
  const split = splitBatch(withNode(batch, NODE), errors, '409');
  assert.ok(split.kind === 'isolated');
  assert.deepEqual(
    split.refused.map(({ change, reason }) => [change.instance.id, reason]),
    [
      [order[0], 'bad meta'],
      [order[2], 'bad tag'],
    ],
  );
  assert.deepEqual(ids(split.rest), [order[1]]);
  assert.deepEqual(operationsOf(split.rest ?? batch)[0], SET_NODE);
});

test('when all are refused there is no rest', () => {
  const split = splitBatch(
    batch,
    [0, 2, 4].map((index) => ({ index, what: 'bad' })),
    '409',
  );
  assert.ok(split.kind === 'isolated');
  assert.deepEqual([split.refused.length, split.rest], [3, undefined]);
});

test('without a named operation the batch is halved, until one instance is left, which is the one', () => {
  const bad = order[1];
  const tried: (string | undefined)[] = [];
  const search = (part: Batch): void => {
    // what a server does that refuses one instance, and does not say which.
    if (!ids(part)?.includes(bad ?? '')) return;
    const split = splitBatch(part, [], 'refused');
    if (split.kind === 'halved') split.halves.forEach(search);
    else if (split.kind === 'isolated')
      tried.push(...split.refused.map(({ change, reason }) => `${change.instance.id} ${reason}`));
  };
  search(batch);
  assert.deepEqual(tried, [`${bad} refused`]);
});

test('a node that Consul has lost is not the fault of any instance', () => {
  const errors = [0, 1, 2].map((index) => ({ index, what: 'Missing node registration' }));
  assert.deepEqual(splitBatch(batch, errors, '409'), { kind: 'missing-node' });
});

test('a node that is missed although it was sent is not sent again for ever', () => {
  const errors = [{ index: 1, what: 'Missing node registration' }];
  assert.equal(splitBatch(withNode(batch, NODE), errors, '409').kind, 'isolated');
});

test('nor is a node that Consul refuses', () => {
  const errors = [{ index: 0, what: 'Permission denied' }];
  assert.deepEqual(splitBatch(withNode(batch, NODE), errors, '409'), {
    kind: 'refused-node',
    reason: 'Permission denied',
  });
});

test('what is old stays while its replacement at the same address is refused; other removals do not wait', () => {
  const renamed = { ...first, id: 'new-1', name: 'new' };
  const found = plan([renamed, second], [observed(first), observed(third)], SCOPE);
  const changes = changesOf(found, NODE);
  const refused = changes.filter(({ instance }) => instance.id === 'new-1');
  const shown = (some: readonly Change[]) => some.map(({ action, instance }) => `${action} ${instance.id}`);
  const expected = [`register new-1`, `register ${second.id}`, `deregister ${third.id}`];
  assert.deepEqual(shown(withoutReplaced(changes, refused)), expected);
  assert.deepEqual(withoutReplaced(changes, []), changes);
  const [mixed] = batchesOf(changes, REGISTERED, TRANSACTION_LIMITS).batches;
  assert.ok(mixed);
  const split = splitBatch(mixed, [{ index: 0, what: 'Permission denied' }], '403');
  assert.ok(split.kind === 'isolated' && split.rest);
  assert.deepEqual(shown(split.rest.changes), expected.slice(1));
});
