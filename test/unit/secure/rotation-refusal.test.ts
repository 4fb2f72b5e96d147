/** A rotation from which nothing would come gets a sentence, not silence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotations } from '../../../src/secure/observed.ts';
import { rotationRefusal } from '../../../src/secure/rotation-refusal.ts';
import { NOTHING_BROUGHT } from '../../../src/secure/secure-settings.ts';
import { SETTINGS } from './secure-world.ts';

test('a part that is made here can be rotated, and one that is off says so', () => {
  for (const rotation of rotations) {
    assert.equal(rotationRefusal(rotation, false, SETTINGS), undefined);
    const off = { ...SETTINGS, gossip: false, tls: false, acls: false };
    assert.match(
      rotationRefusal(rotation, false, off) ?? '',
      /(is|are) off \(--(gossip|tls|acls)\), so there/,
    );
  }
});

test('a part that is brought names its Secret', () => {
  const ca = { secret: 'my-ca', key: 'tls.crt' };
  const gossip = { secret: 'my-gossip', key: 'key' };
  const brought = { ...NOTHING_BROUGHT, ca, gossip, server: 'my-server' };
  const refusal = (rotation: (typeof rotations)[number], more = {}) =>
    rotationRefusal(rotation, false, { ...SETTINGS, brought: { ...brought, ...more } });
  assert.match(refusal('gossip') ?? '', /yours: write another one into the Secret my-gossip/);
  assert.match(refusal('ca') ?? '', /yours: .* Secret my-ca/);
  assert.equal(refusal('server-certificate'), undefined, 'that of clients is made here');
  assert.match(refusal('server-certificate', { client: 'my-client' }) ?? '', /yours: .* Secret my-server/);
  assert.equal(refusal('agent-tokens'), undefined);
});

test('the CAs before may leave at once, whosever the CA is', () => {
  const brought = { ...NOTHING_BROUGHT, ca: { secret: 'my-ca', key: 'tls.crt' } };
  assert.equal(rotationRefusal('ca', true, { ...SETTINGS, brought }), undefined);
  assert.match(rotationRefusal('ca', true, { ...SETTINGS, tls: false }) ?? '', /TLS is off/);
});
