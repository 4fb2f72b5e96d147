/** What the embedded catalog does otherwise than Consul, on purpose, and how its sockets hold. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { startEmbeddedConsul, type EmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { ask, get, put } from '../../contract/catalog-client.ts';

let catalog: EmbeddedConsul;
before(async () => {
  catalog = await startEmbeddedConsul();
});
after(() => catalog.close());

for (const parameter of ['filter=Node==x', 'node-meta=a:b', 'peer=x']) {
  test(`${parameter} is refused by name, because to leave it out would answer wrong`, async () => {
    const answer = await get(catalog, `catalog/services?${parameter}`);
    assert.equal(answer.status, 400);
    assert.match(
      String(answer.body),
      new RegExp(`does not support the parameter ${parameter.split('=')[0]}`),
    );
  });
}

test('parameters that change nothing here are taken', async () => {
  for (const query of ['stale', 'consistent', 'near=_agent', 'dc=dc1', 'index=0', 'wait=5m0s'])
    assert.equal((await get(catalog, `catalog/services?${query}`)).status, 200, query);
});

test('what does not fit a UDP packet is cut, and the bit says so', async () => {
  await put(catalog, 'catalog/register', { Node: 'n', Address: '10.0.0.1' });
  const operations = Array.from({ length: 100 }, (_, index) => ({
    Service: {
      Verb: 'set',
      Node: 'n',
      Service: { ID: `m-${index}`, Service: 'many', Address: `10.0.1.${index + 1}`, Port: 1 },
    },
  }));
  await put(catalog, 'txn', operations);
  const small = await ask(catalog, 'many.service.consul', 'A');
  assert.equal(small.isTruncated, true);
  assert.ok(small.answers.length > 5 && small.answers.length < 40, `${small.answers.length}`);
  const large = await ask(catalog, 'many.service.consul', 'A', { payload: 8192 });
  assert.deepEqual([large.answers.length, large.isTruncated], [100, false]);
  // The addresses of the targets may go before any answer does.
  const services = await ask(catalog, 'many.service.consul', 'SRV', { payload: 8192 });
  assert.deepEqual([services.answers.length, services.isTruncated, services.additional], [100, false, []]);
  const whole = await ask(catalog, 'many.service.consul', 'SRV', { transport: 'tcp' });
  assert.deepEqual([whole.answers.length, whole.additional.length], [100, 100]);
});

test('what DNS cannot carry ends no server', async () => {
  const long = 'x'.repeat(300);
  await put(catalog, 'catalog/register', {
    Node: long,
    Address: '10.0.0.9',
    NodeMeta: { long: 'y'.repeat(500) },
    Service: { ID: 'odd-1', Service: 'odd', Port: 1 },
  });
  await put(catalog, 'catalog/register', {
    Node: 'odd-host',
    Address: `${long}.example.com`,
    Service: { ID: 'odd-2', Service: 'odd', Port: 2 },
  });
  assert.deepEqual((await ask(catalog, 'odd.service.consul', 'A')).answers, ['A 10.0.0.9']);
  const { code, answers } = await ask(catalog, 'odd.service.consul', 'SRV');
  assert.equal(code, 'NOERROR');
  assert.ok(answers.includes('SRV 1 1 1 0a000009.addr.dc1.consul'), answers.join());
});

test('bytes that are no question get no answer and do no harm', async () => {
  const socket = createSocket('udp4');
  for (const bytes of ['', 'x', 'x'.repeat(12), 'ÿ'.repeat(300)])
    socket.send(bytes, catalog.dnsPort, '127.0.0.1');
  const stream = connect(catalog.dnsPort, '127.0.0.1');
  stream.end(Buffer.from([0, 3, 1, 2, 3]));
  await once(stream.resume(), 'close');
  assert.equal((await ask(catalog, 'absent.service.consul', 'A')).code, 'NXDOMAIN');
  socket.close();
});

test('the domain and the datacenter are those that it was started with', async () => {
  await using other = await startDisposable({ domain: 'mesh.example', datacenter: 'west' });
  await put(other, 'catalog/register', {
    Node: 'n',
    Address: '10.0.0.1',
    Service: { ID: 'a', Service: 'a', Port: 1 },
  });
  assert.deepEqual((await ask(other, 'a.service.mesh.example', 'SRV')).answers, [
    'SRV 1 1 1 n.node.west.mesh.example',
  ]);
  assert.deepEqual((await get(other, 'catalog/datacenters')).body, ['west']);
});

test('closing ends blocking queries', async () => {
  const other = await startEmbeddedConsul();
  const { index } = await get(other, 'catalog/services');
  const pending = assert.rejects(get(other, `catalog/services?index=${index}&wait=10m`));
  await get(other, 'catalog/services');
  await other.close();
  await pending;
});

test('a port that is taken is an error with its address', async () => {
  const port = Number(new URL(catalog.url).port);
  await assert.rejects(startEmbeddedConsul({ httpPort: port }), {
    code: 'TANDEM_LISTEN_FAILED',
    message: new RegExp(`127.0.0.1:${port}`),
  });
  await assert.rejects(startEmbeddedConsul({ dnsPort: catalog.dnsPort }), { code: 'TANDEM_LISTEN_FAILED' });
});

async function startDisposable(
  options: Parameters<typeof startEmbeddedConsul>[0],
): Promise<EmbeddedConsul & AsyncDisposable> {
  const started = await startEmbeddedConsul(options);
  return { ...started, [Symbol.asyncDispose]: () => started.close() };
}

test('config entries are answered by kind and by name, and wake whoever waits for them', async () => {
  const consul = await startEmbeddedConsul();
  const read = async (path: string): Promise<[number, unknown]> => {
    const response = await fetch(`${consul.url}/v1/config/${path}`);
    const text = await response.text();
    return [response.status, response.ok ? JSON.parse(text) : text];
  };
  try {
    assert.deepEqual(await read('service-defaults'), [200, []]);
    const waiting = read('service-defaults?index=1&wait=60s');
    consul.setEntries([
      { Kind: 'service-defaults', Name: 'Web', Protocol: 'http' },
      { Kind: 'mesh', HTTP: {} },
    ]);
    const indexes = { CreateIndex: 2, ModifyIndex: 2 };
    const web = { Kind: 'service-defaults', Name: 'Web', Protocol: 'http', ...indexes };
    assert.deepEqual(await waiting, [200, [web]]);
    assert.deepEqual(await read('service-defaults/web'), [200, web]);
    assert.deepEqual(await read('mesh/mesh'), [200, { Kind: 'mesh', HTTP: {}, ...indexes }]);
    assert.deepEqual(await read('service-defaults/db'), [
      404,
      'Config entry not found for "service-defaults" / "db"',
    ]);
    consul.setEntries([{ Kind: 'service-defaults', Name: 'Web', Protocol: 'grpc' }]);
    assert.deepEqual(await read('service-defaults/Web'), [200, { ...web, Protocol: 'grpc', ModifyIndex: 3 }]);
    assert.equal((await read('mesh/mesh'))[0], 404);
  } finally {
    await consul.close();
  }
});
