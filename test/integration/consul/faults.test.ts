/** What the client makes of servers that fail, one fault each. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import type { ConsulCalls } from '../../../src/consul/client.ts';
import { read, readLeader, readNodeServices } from '../../../src/consul/read.ts';
import type { Call } from '../../../src/consul/servers.ts';
import type { ErrorCode } from '../../../src/support/errors.ts';
import {
  blackHole,
  clientOf,
  fakeConsul,
  html,
  json,
  refusingAddress,
  reset,
  status,
  truncated,
  type Reply,
} from './fake-consul.ts';

const EMPTY = { Node: null, Services: null };

/** A read whose patience is short enough for a test. */
const quick: Call<string> = {
  endpoint: 'other',
  method: 'GET',
  path: '/v1/status/leader',
  timeout: 100,
  read: ({ text }) => text,
};

test('a server that is gone is left by the calls that wait for it, and used again when it is back', async () => {
  await using hanging = await fakeConsul(blackHole, json('first'));
  await using other = await fakeConsul(json('second'));
  await using opened = await clientOf([hanging.url, other.url]);
  const { client } = opened;
  const waiting = readLeader(client);
  while (hanging.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const started = performance.now();
  client.leave(hanging.url);
  assert.equal(await waiting, 'second');
  // Far from the 10 s that the call itself would wait.
  assert.ok(performance.now() - started < 5000);
  await other.close();
  assert.equal(await readLeader(client), 'first');
});

type Fault = {
  readonly what: string;
  readonly reply: Reply;
  readonly code: ErrorCode;
  readonly message: RegExp;
  /** The next server is asked. */
  readonly elsewhere: boolean;
};

const faults: readonly Fault[] = [
  ...(
    [
      [400, 'Invalid index', 'REFUSED', false],
      [403, 'Permission denied: token with AccessorID "a1" lacks permission', 'FORBIDDEN', false],
      [403, 'ACL not found', 'FORBIDDEN', false],
      [404, 'Invalid URL path: not a recognized HTTP API endpoint', 'REFUSED', false],
      [405, 'method PUT not allowed', 'REFUSED', false],
      [429, 'Your IP is issuing too many concurrent connections', 'LIMITED', false],
      [500, 'No cluster leader', 'UNAVAILABLE', true],
      [500, 'rpc error making call: EOF', 'UNAVAILABLE', true],
      [500, 'rpc error getting client: failed to get conn', 'UNAVAILABLE', true],
      [500, 'rpc error making call: i/o deadline reached', 'UNAVAILABLE', true],
      [500, 'rpc error making call: Raft leader not found in server lookup mapping', 'UNAVAILABLE', true],
      [500, 'rpc error making call: timed out enqueuing operation', 'UNAVAILABLE', true],
      [500, 'node is not the leader', 'UNAVAILABLE', true],
      [500, 'raft apply failed: leadership lost while committing log', 'UNAVAILABLE', true],
      [500, 'rpc error making call: raft apply failed: node is not the leader', 'UNAVAILABLE', true],
      [500, 'Failed to apply role upsert request: leadership lost while committing log', 'UNAVAILABLE', true],
      [500, 'No known Consul servers', 'UNAVAILABLE', true],
      [500, 'Not ready to serve consistent reads', 'UNAVAILABLE', true],
      [500, 'Must provide node', 'REFUSED', false],
      [500, 'rpc error making call: Must provide node', 'REFUSED', false],
      [500, 'failed inserting service: Invalid Service Meta', 'REFUSED', false],
      [500, 'rpc error making call: Permission denied', 'FORBIDDEN', false],
      [500, 'rpc error making call: read tcp 10.0.0.1:1->10.0.0.2:8300: i/o timeout', 'UNAVAILABLE', true],
      // A name that a stranger chose.
      [500, 'JWT Provider does not exist. Provider Name: No cluster leader', 'REFUSED', false],
      [500, 'rpc error making call: Provider Name: EOF', 'REFUSED', false],
      [403, 'JWT Provider does not exist. Provider Name: ACL not found', 'REFUSED', false],
      [500, 'Provider Name: Permission denied', 'REFUSED', false],
      [403, 'rpc error making call: token does not exist: ACL not found', 'FORBIDDEN', false],
      [403, 'Forbidden', 'FORBIDDEN', false],
      [500, 'Failed to create boolean expression evaluator: 1:2', 'REFUSED', false],
      [502, 'Bad Gateway', 'UNAVAILABLE', true],
      [503, 'rate limit exceeded', 'UNAVAILABLE', true],
    ] as const
  ).map(([code, text, error, elsewhere]): Fault => ({
    what: `${code} ${text}`,
    reply: status(code, text),
    code: `TANDEM_CONSUL_${error}`,
    message: new RegExp(`status ${code}, .*${text.slice(0, 20)}`),
    elsewhere,
  })),
  {
    what: 'a page of a proxy',
    reply: html,
    code: 'TANDEM_CONSUL_ANSWER_INVALID',
    message: /not JSON but text\/html.*Welcome to the proxy/,
    elsewhere: true,
  },
  {
    what: '200 with the text of an error',
    reply: status(200, 'No cluster leader'),
    code: 'TANDEM_CONSUL_ANSWER_INVALID',
    message: /not JSON but text\/plain.*No cluster leader/,
    elsewhere: true,
  },
  {
    what: '200 with nothing',
    reply: status(200, ''),
    code: 'TANDEM_CONSUL_ANSWER_INVALID',
    message: /not JSON/,
    elsewhere: true,
  },
  {
    what: 'a redirect',
    reply: status(302, ''),
    code: 'TANDEM_CONSUL_ANSWER_INVALID',
    message: /status 302/,
    elsewhere: true,
  },
  {
    what: 'JSON that ends in the middle',
    reply: status(200, '{"Node":null,"Serv', 'application/json'),
    code: 'TANDEM_CONSUL_ANSWER_INVALID',
    message: /not JSON/,
    elsewhere: true,
  },
  ...(
    [
      [null, 'answer is not an object'],
      [{}, 'answer.Node is missing'],
      [{ Node: null }, 'Services is not a list'],
      [{ Node: { Node: 'a' }, Services: [] }, 'Node.Address is not a string'],
      [{ Node: null, Services: [{ ID: 'a', Service: 'a', Port: '80' }] }, 'Services[0].Port is not a number'],
      [
        { Node: null, Services: [{ ID: 'a', Service: 'a', Tags: [1] }] },
        'Services[0].Tags[0] is not a string',
      ],
    ] as const
  ).map(([value, reason]): Fault => ({
    what: `JSON of another shape: ${reason}`,
    reply: json(value),
    code: 'TANDEM_CONSUL_ANSWER_INVALID',
    message: new RegExp(reason.replaceAll(/[[\]]/g, '\\$&')),
    elsewhere: true,
  })),
  {
    what: 'a reset before the answer',
    reply: reset,
    code: 'TANDEM_CONSUL_UNREACHABLE',
    message: /GET .*node-services\/n at http:/,
    elsewhere: true,
  },
  {
    what: 'a body that ends too early',
    reply: truncated,
    code: 'TANDEM_CONSUL_UNREACHABLE',
    message: /other side closed|terminated|aborted/,
    elsewhere: true,
  },
];

for (const { what, reply, code, message, elsewhere } of faults) {
  test(`${what}: ${code}${elsewhere ? ', and another server is asked' : ''}`, async () => {
    await using failing = await fakeConsul(reply);
    await using well = await fakeConsul(json(EMPTY));
    await using alone = await clientOf([failing.url]);
    await assert.rejects(readNodeServices(alone.client, 'n'), { code, message });
    await using both = await clientOf([failing.url, well.url]);
    const outcome = await readNodeServices(both.client, 'n').then(
      () => 'answered',
      (error: unknown) => (error as { code: string }).code,
    );
    assert.deepEqual([outcome, well.seen.length], elsewhere ? ['answered', 1] : [code, 0]);
  });
}

test('a server that fails at one request, and answers others, is well: the request is refused', async () => {
  const poisoned: Reply = (response, seen, request) =>
    (seen.url.startsWith('/v1/status/') ? json('127.0.0.1:8300') : reset)(response, seen, request);
  await using one = await fakeConsul(poisoned);
  await using alone = await clientOf([one.url]);
  const refused = { code: 'TANDEM_CONSUL_REFUSED', message: /closes the connection at this request/ };
  await assert.rejects(readNodeServices(alone.client, 'n'), refused);
  await assert.rejects(readNodeServices(alone.client, 'n', { after: { index: 1, waitSeconds: 1 } }), refused);
  // Of a write nobody knows whether it was done.
  await assert.rejects(alone.client.call({ ...quick, method: 'PUT', path: '/v1/other' }), {
    code: 'TANDEM_CONSUL_UNREACHABLE',
  });
});

test('a read whose connection was closed is sent again', async () => {
  await using one = await fakeConsul(reset, json(EMPTY));
  await using held = await clientOf([one.url]);
  await readNodeServices(held.client, 'n');
  assert.equal(one.seen.length, 2);
});

test('a refused connection is left for another server, and stays left', async () => {
  const refusing = await refusingAddress();
  await using well = await fakeConsul(json(EMPTY));
  await using held = await clientOf([refusing, well.url]);
  await readNodeServices(held.client, 'n');
  await readNodeServices(held.client, 'n');
  assert.deepEqual(
    held.reports.map(({ endpoint, status: code }) => [endpoint, code]),
    [
      ['node-services', 'none'],
      ['node-services', 200],
      ['node-services', 200],
    ],
  );
});

test('a refused connection alone is an error with the reason', async () => {
  await using held = await clientOf([await refusingAddress()]);
  await assert.rejects(readLeader(held.client), {
    code: 'TANDEM_CONSUL_UNREACHABLE',
    message: /GET \/v1\/status\/leader at http.*ECONNREFUSED/,
  });
});

test('no address at all is an error', async () => {
  await using held = await clientOf([]);
  await assert.rejects(readLeader(held.client), {
    code: 'TANDEM_CONSUL_UNREACHABLE',
    message: /no address/,
  });
});

test('a server that says nothing is left after the timeout', async () => {
  await using silent = await fakeConsul(blackHole);
  await using well = await fakeConsul(json('x'));
  await using alone = await clientOf([silent.url]);
  await assert.rejects(alone.client.call(quick), {
    code: 'TANDEM_CONSUL_UNREACHABLE',
    message: /no answer within 100 ms/,
  });
  await using both = await clientOf([silent.url, well.url]);
  // The other one has as long, and may need it on a busy machine.
  assert.equal(await both.client.call({ ...quick, timeout: 2000 }), '"x"');
});

test('a server that hangs is left within 5 s, whatever the call, and one that is slow is waited for', async () => {
  await using hung = await fakeConsul(blackHole);
  await using well = await fakeConsul(json('x'));
  await using held = await clientOf([hung.url, well.url]);
  const started = performance.now();
  assert.equal(await held.client.call({ ...quick, timeout: 30_000 }), '"x"');
  assert.ok(performance.now() - started < 10_000, 'long before the timeout');
  await using slow = await fakeConsul((response, seen, request) => {
    if (seen.url === '/v1/status/leader') json('127.0.0.1:8300')(response, seen, request);
    else setTimeout(() => response.end('"late"'), 4500);
  });
  await using patient = await clientOf([slow.url, well.url]);
  assert.equal(await patient.client.call({ ...quick, path: '/v1/slow', timeout: 30_000 }), '"late"');
});

test('a server that takes the connection and says nothing is left long before a request would be', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  await using well = await fakeConsul(json('x'));
  // Without a TLS handshake there is no connection yet.
  const address = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  await using held = await clientOf([address, well.url]);
  assert.equal(await readLeader(held.client), 'x');
  assert.ok((held.reports[0]?.milliseconds ?? Infinity) < 8000, JSON.stringify(held.reports));
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test('a server that drips its answer does not get more than its time', async () => {
  await using dripping = await fakeConsul((response) => {
    const drip = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(drip));
  });
  await using held = await clientOf([dripping.url]);
  await assert.rejects(held.client.call(quick), { message: /no answer within 100 ms/ });
});

test('when all fail, one that answered is told before one that did not', async () => {
  await using first = await fakeConsul(reset);
  await using second = await fakeConsul(status(500, 'No cluster leader'));
  await using third = await fakeConsul(reset);
  await using held = await clientOf([first.url, second.url, third.url]);
  await assert.rejects(readLeader(held.client), {
    code: 'TANDEM_CONSUL_UNAVAILABLE',
    message: /No cluster leader/,
  });
  assert.deepEqual([first.seen.length, second.seen.length, third.seen.length], [1, 1, 1]);
});

test('a refusal after a failure is told, and ends the call', async () => {
  await using first = await fakeConsul(status(503, 'overload'));
  await using second = await fakeConsul(status(400, 'Invalid index'));
  await using third = await fakeConsul(json('x'));
  await using held = await clientOf([first.url, second.url, third.url]);
  await assert.rejects(readLeader(held.client), { code: 'TANDEM_CONSUL_REFUSED' });
  assert.equal(third.seen.length, 0);
});

test('addresses may change between two calls', async () => {
  await using first = await fakeConsul(json('a'));
  await using second = await fakeConsul(json('b'));
  let addresses = [first.url];
  await using held = await clientOf(() => addresses);
  assert.equal(await readLeader(held.client), 'a');
  addresses = [second.url];
  assert.equal(await readLeader(held.client), 'b');
});

test('an abort ends a call with its own reason, and asks no other server', async () => {
  await using silent = await fakeConsul(blackHole);
  await using well = await fakeConsul(json('x'));
  await using held = await clientOf([silent.url, well.url]);
  const stop = new AbortController();
  const reason = new Error('stopped');
  const pending = readLeader(held.client, stop.signal);
  setImmediate(() => stop.abort(reason));
  await assert.rejects(pending, reason);
  await assert.rejects(readLeader(held.client, stop.signal), reason);
  assert.equal(well.seen.length, 0);
});

test('a server that no longer answers loses its blocking queries to another', async () => {
  await using silent = await fakeConsul(blackHole);
  await using well = await fakeConsul(json(EMPTY, { 'x-consul-index': '7' }));
  await using held = await clientOf([silent.url, well.url]);
  const blocked = readNodeServices(held.client, 'n', { after: { index: 5, waitSeconds: 300 } });
  await held.client.call(quick);
  assert.equal((await blocked).index, 7);
});

test('connections are kept, and limited', async () => {
  await using server = await fakeConsul(json('x'));
  await using held = await clientOf([server.url]);
  for (let count = 0; count < 5; count += 1) await readLeader(held.client);
  // A second one is opened when a request comes before the first has seen the end of the answer.
  assert.ok(server.connections() <= 2, String(server.connections()));
  await Promise.all(Array.from({ length: 100 }, () => readLeader(held.client)));
  assert.ok(server.connections() <= 16, String(server.connections()));
});

test('a closed client answers nothing and opens nothing', async () => {
  await using server = await fakeConsul(json('x'));
  const held = await clientOf([server.url]);
  await held.client.close();
  await assert.rejects(readLeader(held.client), { message: /this client is closed/ });
  assert.equal(server.connections(), 0);
});

test('a check-and-set that lost its answer is not sent again, and one that was refused is', async () => {
  await using losing = await fakeConsul(reset);
  await using well = await fakeConsul(json({ Results: [], Errors: null }));
  const put = (client: ConsulCalls): Promise<string> =>
    client.call({
      endpoint: 'transaction',
      method: 'PUT',
      path: '/v1/txn',
      once: true,
      read: ({ text }) => text,
    });
  await using held = await clientOf([losing.url, well.url]);
  await assert.rejects(put(held.client), { code: 'TANDEM_CONSUL_UNREACHABLE' });
  assert.equal(well.seen.length, 0);
  await using wavering = await fakeConsul(status(500, 'rpc error making call: EOF'));
  await using unsure = await clientOf([wavering.url, well.url]);
  await assert.rejects(put(unsure.client), { code: 'TANDEM_CONSUL_UNAVAILABLE' });
  assert.equal(well.seen.length, 0);
  await using refused = await clientOf([await refusingAddress(), well.url]);
  assert.equal(await put(refused.client), '{"Results":[],"Errors":null}');
});

test('headers say how far an answer can be trusted', async () => {
  await using server = await fakeConsul(
    json([], {
      'x-consul-index': '42',
      'x-consul-results-filtered-by-acls': 'true',
    }),
  );
  await using held = await clientOf([server.url], { datacenter: 'dc2', namespace: 'team' });
  const answer = await read(
    held.client,
    { endpoint: 'other', path: '/v1/agent/checks', decode: (value) => value },
    { consistency: 'stale', filter: 'Meta.a == "b"' },
  );
  assert.deepEqual(answer, {
    value: [],
    index: 42,
    filteredByAcls: true,
  });
  const query = new URL(server.seen[0]?.url ?? '', server.url).searchParams;
  assert.deepEqual(Object.fromEntries(query), {
    dc: 'dc2',
    ns: 'team',
    stale: '',
    filter: 'Meta.a == "b"',
  });
});

test('an address that is none does not keep the others from being asked, and no host in it gets a token', async () => {
  await using stranger = await fakeConsul(json('stranger'));
  await using server = await fakeConsul(json('server'));
  const { host } = new URL(stranger.url);
  const strange = [`http://u@${host}`, `http://${host}/b`, `http://${host}?x`, `http://${host}#x`];
  const none = ['http://a b:1', 'http://[::', '', 'a\nb', `http://${'a'.repeat(300)}/b`, 'ftp://h'];
  for (const address of [...strange, ...none]) {
    await using opened = await clientOf([address, server.url]);
    assert.equal(await readLeader(opened.client), 'server', address);
  }
  assert.equal(stranger.seen.length, 0);
  await using alone = await clientOf(['http://a b:1']);
  await assert.rejects(readLeader(alone.client), {
    code: 'TANDEM_CONSUL_UNREACHABLE',
    message: /at http:\/\/a b:1: this is not an address/,
  });
});
