/** Lists in pages that follow the size of the objects, from an API server on a socket. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { apiClient, type ApiClient } from '../../../src/kubernetes/api-client.ts';
import { listPages } from '../../../src/kubernetes/list-pages.ts';
import { TandemError } from '../../../src/support/errors.ts';
import { anonymous } from './scripted-server.ts';

type Page = { readonly items: readonly object[]; readonly metadata: object };

let server: Server;
let client: ApiClient;
let answer: (query: URLSearchParams) => Page;
let limits: number[];
before(async () => {
  server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://server');
    limits.push(Number(searchParams.get('limit')));
    response.end(JSON.stringify(answer(searchParams)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = apiClient(anonymous(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
});
after(() => {
  client.close();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  limits = [];
});

const MEBIBYTE = 1024 * 1024;

async function listed(): Promise<readonly string[]> {
  const collection = { path: '/api/v1/services', query: {} };
  const result = await listPages(client, collection, () => true, AbortSignal.timeout(60_000));
  assert.equal(result.kind, 'listed');
  return result.kind === 'listed' ? result.entries.map(({ key }) => key) : [];
}

function object(index: number, length: number): object {
  return { metadata: { name: `a${index}`, resourceVersion: '1', annotations: { text: 'x'.repeat(length) } } };
}

/** Objects with texts of these lengths, as many of them as are asked for. */
async function assertListed(lengths: readonly number[]): Promise<void> {
  answer = (query) => {
    const from = Number(query.get('continue') ?? 0);
    const to = Math.min(lengths.length, from + Number(query.get('limit')));
    const metadata = { resourceVersion: '9', continue: to < lengths.length ? String(to) : '' };
    return { metadata, items: lengths.slice(from, to).map((length, index) => object(from + index, length)) };
  };
  assert.deepEqual(
    await listed(),
    lengths.map((_, index) => `a${index}`),
  );
}

test('pages of small objects grow to 500', async () => {
  await assertListed(Array.from({ length: 1500 }, () => 100));
  assert.deepEqual(limits, [16, 64, 256, 500, 500, 500]);
});

test('pages of large objects have about 4 MiB', async () => {
  await assertListed(Array.from({ length: 40 }, () => MEBIBYTE / 4));
  assert.deepEqual(limits, [16, 15, 15]);
});

test('a page that large objects after small ones made too large is asked for again, smaller', async () => {
  await assertListed([
    ...Array.from({ length: 80 }, () => 10),
    ...Array.from({ length: 40 }, () => MEBIBYTE),
  ]);
  assert.deepEqual(limits.slice(0, 3), [16, 64, 256]);
  assert.ok(Math.max(...limits.slice(4)) <= 16, limits.join(' '));
});

test('objects of many elements, which are short as text, make smaller pages, too', async () => {
  const items = Array.from({ length: 16 }, (_, index) => ({
    ...object(index, 10),
    spec: { imagePullSecrets: Array.from({ length: 100_000 }, () => ({})) },
  }));
  answer = (query) => {
    const from = Number(query.get('continue') ?? 0);
    const to = Math.min(items.length, from + Number(query.get('limit')));
    const metadata = { resourceVersion: '9', continue: to < items.length ? String(to) : '' };
    return { metadata, items: items.slice(from, to) };
  };
  assert.equal((await listed()).length, 16);
  // 300,000 characters each, and 64 bytes in memory for three of them.
  assert.ok((limits[1] ?? 16) <= 4, limits.join(' '));
});

test('an object that is larger than a page comes alone, as it is', async () => {
  await assertListed([10, 17 * MEBIBYTE, 10]);
  assert.equal(limits.includes(1), true);
});

test('a server that does not know limits is read to the end', async () => {
  const items = Array.from({ length: 20 }, (_, index) => object(index, MEBIBYTE));
  answer = () => ({ metadata: { resourceVersion: '9' }, items });
  assert.equal((await listed()).length, 20);
});

test('a continuation that leads to itself ends the list', async () => {
  answer = () => ({ metadata: { resourceVersion: '9', continue: 'again' }, items: [object(0, 10)] });
  await assert.rejects(
    listed,
    (error) => error instanceof TandemError && error.code === 'TANDEM_KUBERNETES_GARBLED',
  );
  assert.equal(limits.length, 2);
});

test('an empty page is no end, and nothing follows from what is said to remain', async () => {
  answer = (query) =>
    query.has('continue')
      ? { metadata: { resourceVersion: '9' }, items: [object(0, 10)] }
      : { metadata: { resourceVersion: '9', continue: 'more', remainingItemCount: -1 }, items: [] };
  assert.deepEqual(await listed(), ['a0']);
  assert.deepEqual(limits, [16, 64]);
});
