import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connectionReason } from '../../../src/support/connection-reason.ts';

function withCode(code: string, message = ''): Error {
  return Object.assign(new Error(message), { code });
}

for (const [cause, reason] of [
  [withCode('CERT_HAS_EXPIRED', 'certificate has expired'), /has to be renewed there/],
  [
    withCode('SELF_SIGNED_CERT_IN_CHAIN', 'try running Node.js with --use-system-ca'),
    /^its certificate .* CA/,
  ],
  [withCode('ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:1'), /^connect ECONNREFUSED 10\.0\.0\.1:1$/],
  [withCode('ECONNREFUSED'), /^ECONNREFUSED$/],
  [new Error(''), /^unknown reason$/],
] as const)
  test(`${JSON.stringify(cause)}, ${cause.message}: ${reason}`, () => {
    assert.match(connectionReason(cause), reason);
  });

test('TLS at a port without it, as Node says it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const request = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  const [cause] = (await once(request, 'error')) as [Error];
  assert.equal(connectionReason(cause), 'it does not speak TLS at this port');
  server.closeAllConnections();
  server.close();
});
