/** The client that the tests ask an API server with. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { apiClient } from '../../../real/harness/api-client.ts';

test('a request that nobody answers ends with the signal, and none begins after it', async (context) => {
  const server = createServer().listen(0, '127.0.0.1');
  context.after(() => server.close());
  await once(server, 'listening');
  const ending = new AbortController();
  const { port } = server.address() as AddressInfo;
  const client = apiClient(`https://127.0.0.1:${port}`, '', undefined, ending.signal);
  const asked = client.request('GET', '/readyz');
  await once(server, 'connection');
  ending.abort();
  await assert.rejects(asked, { name: 'AbortError' });
  await assert.rejects(client.request('GET', '/readyz'), { name: 'AbortError' });
});
