/** Whatever the operations: all or none, and an index that moves with changes only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { emptyCatalog, type Catalog } from '../../../dev/embedded/catalog.ts';
import { transact, type Operation } from '../../../dev/embedded/transaction.ts';

const name = fc.constantFrom('', 'a', 'b', 'c');
const verb = fc.constantFrom('set', 'set', 'set', 'cas', 'get', 'delete', 'delete-cas', 'weird');
const modifyIndex = fc.integer({ min: 0, max: 4 });

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant('node' as const),
    verb,
    node: fc.record({ Node: name, Address: name, ModifyIndex: modifyIndex }),
  }),
  fc.record({
    kind: fc.constant('service' as const),
    verb,
    node: name,
    service: fc.record({ ID: name, Service: name, Port: modifyIndex, ModifyIndex: modifyIndex }),
  }),
  fc.record({
    kind: fc.constant('check' as const),
    verb,
    check: fc.record({ Node: name, CheckID: name, ServiceID: name, ModifyIndex: modifyIndex }),
  }),
);

const transactions = fc.array(fc.array(operation, { maxLength: 6 }), { maxLength: 12 });

/** All of it as text, so that a change of the old one behind its back shows. */
function picture({ index, nodes }: Catalog): string {
  const records = [...nodes.values()].map(({ node, services, checks }) => [
    node,
    [...services.values()],
    [...checks.values()],
  ]);
  return JSON.stringify([index, records]);
}

test('a transaction leaves the old catalog as it was, and makes a new one only when it changed something', () => {
  fc.assert(
    fc.property(transactions, (all) => {
      let catalog = emptyCatalog('dc1');
      for (const operations of all) {
        const before = picture(catalog);
        const outcome = transact(catalog, operations);
        assert.equal(picture(catalog), before);
        if (outcome.kind === 'rolled-back') {
          assert.ok(outcome.errors.length > 0);
          continue;
        }
        const isSame = outcome.catalog === catalog;
        assert.equal(outcome.catalog.index, isSame ? catalog.index : catalog.index + 1);
        catalog = outcome.catalog;
      }
    }),
  );
});

test('no check is without its node and its service', () => {
  fc.assert(
    fc.property(transactions, (all) => {
      let catalog = emptyCatalog('dc1');
      for (const operations of all) {
        const outcome = transact(catalog, operations);
        if (outcome.kind === 'applied') catalog = outcome.catalog;
      }
      for (const [key, { node, services, checks }] of catalog.nodes) {
        assert.equal(node.Node, key);
        for (const { Node, ServiceID } of checks.values()) {
          assert.equal(Node, key);
          assert.ok(ServiceID === '' || services.has(ServiceID));
        }
      }
    }),
  );
});
