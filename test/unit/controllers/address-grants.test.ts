import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressGrants } from '../../../src/controllers/address-grants.ts';

test('a read that began before the write is settled does not show the address at another service', () => {
  const grants = createAddressGrants(['one', 'other']);
  grants.begin('other');
  const early = grants.readBegins();
  grants.begin('one');
  grants.give('one', '10.96.0.1', 'api');
  const meanwhile = grants.readBegins();
  grants.begin('one');
  const late = grants.readBegins();
  const isShown = (name: string): readonly boolean[] =>
    [early, meanwhile, late].map((at) => grants.isShown('10.96.0.1', name, at));
  assert.deepEqual(
    [isShown('web'), isShown('api')],
    [
      [false, false, true],
      [true, true, true],
    ],
  );
  assert.ok(grants.isShown('10.96.0.2', 'web', early));
});

test('an address is forgotten when every round that runs began after its write; addresses come without end', () => {
  const grants = createAddressGrants(['one', 'other']);
  for (let n = 0; n < 1000; n += 1) {
    grants.begin('one');
    grants.give('one', `10.96.${n >> 8}.${n & 255}`, 'api');
  }
  assert.equal(grants.size(), 1000, 'a read of the other loop may still be from before');
  grants.begin('one');
  grants.begin('other');
  assert.equal(grants.size(), 0);
  grants.give('one', '10.96.0.1', 'api');
  grants.begin('other');
  assert.equal(grants.size(), 1, 'not settled yet');
});

test('what a failed round has left behind is not used in the next one', () => {
  const grants = createAddressGrants(['one']);
  grants.begin('one');
  const read = grants.readBegins();
  assert.ok(grants.isOfRound('one', read));
  grants.begin('one');
  assert.ok(!grants.isOfRound('one', read));
});
