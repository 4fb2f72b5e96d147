/** What the loop of a secure Consul concludes from answers, and does not conclude from poor ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secureConsul } from '../../../src/consul/secure-consul.ts';
import { secret } from '../../../src/support/secret.ts';
import { fakeConsul, json } from './fake-consul.ts';

test('a keyring without a ring, or of no members, says nothing: every key would be everywhere', async () => {
  const consul = secureConsul({
    trust: { kind: 'usual', ca: undefined },
    onRequest: () => undefined,
    mayWrite: () => false,
  });
  const ring = { NumNodes: 3, Keys: { a: 3 }, PrimaryKeys: { a: 3 } };
  for (const rings of [
    [],
    [{ ...ring, NumNodes: 0, Keys: {}, PrimaryKeys: {} }],
    [ring, { ...ring, NumNodes: 0 }],
  ]) {
    await using server = await fakeConsul(json(rings));
    const place = { addresses: [server.url], serverName: 'server.dc1.consul' };
    const { kind } = await consul.at(place, secret('x')).keyring(new AbortController().signal);
    assert.equal(kind, 'unknown');
  }
  await using server = await fakeConsul(json([ring]));
  const place = { addresses: [server.url], serverName: 'server.dc1.consul' };
  const known = await consul.at(place, secret('x')).keyring(new AbortController().signal);
  assert.deepEqual(known, { kind: 'known', rings: [{ members: 3, keys: { a: 3 }, primary: { a: 3 } }] });
  await consul.close();
});
