import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quote, quoteSentence } from '../../../src/support/text.ts';

test('a piece is cut where a message stays readable, what a server says only where it has no end', () => {
  const name = 'x'.repeat(253);
  const said = `endpointslices.discovery.k8s.io "${name}" is forbidden: User "system:serviceaccount:tandem:tandem-sync" cannot patch resource "endpointslices" in API group "discovery.k8s.io" in the namespace "from-consul"`;
  assert.equal(JSON.parse(quoteSentence(said)), said);
  assert.match(quote(said), /^"endpointslices.*"…$/);
  assert.ok(quote(said).length < 100);
  assert.ok(quoteSentence('\n'.repeat(10_000)).length < 1300);
});
