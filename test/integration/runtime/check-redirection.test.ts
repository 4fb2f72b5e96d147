/** A DNS that says nothing. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';
import { test } from 'node:test';
import { knowsDomain } from '../../../src/runtime/check-redirection.ts';

test('a question to a silent DNS ends with the signal, and not when its own retries are over', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const asked = once(silent, 'message');
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${silent.address().port}`]);
  const ending = new AbortController();
  const answer = knowsDomain(resolver, 'consul', ending.signal);
  await asked;
  ending.abort();
  await assert.rejects(answer, { code: 'TANDEM_KUBERNETES_UNREACHABLE', message: /ECANCELLED/ });
  silent.close();
});
