/** Tokens, login and TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, mock, test } from 'node:test';
import { inspect } from 'node:util';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import { readLeader } from '../../../src/consul/read.ts';
import { secret } from '../../../src/support/secret.ts';
import { eventually } from '../../real/harness/eventually.ts';
import { clientOf, fakeConsul, json, status, type FakeConsul, type Reply } from './fake-consul.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-consul-'));
});
after(() => rm(folder, { recursive: true }));

test('a token goes with each request, and into no error', async () => {
  await using server = await fakeConsul(
    json('x'),
    status(403, 'Permission denied for s3cr3t'),
    status(400, 's3cr3t'),
  );
  await using held = await clientOf([server.url], { token: { kind: 'value', value: secret('s3cr3t') } });
  await readLeader(held.client);
  assert.equal(server.seen[0]?.token, 's3cr3t');
  for (const code of ['TANDEM_CONSUL_FORBIDDEN', 'TANDEM_CONSUL_REFUSED']) {
    await assert.rejects(readLeader(held.client), (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /s3cr3t/);
      return true;
    });
  }
});

test('no token is no header', async () => {
  await using server = await fakeConsul(json('x'));
  await using held = await clientOf([server.url]);
  await readLeader(held.client);
  assert.equal(server.seen[0]?.token, undefined);
});

test('a token file is read again, and an empty or missing one is an error and no anonymous request', async () => {
  const path = join(folder, 'token');
  await using server = await fakeConsul(json('x'));
  await using held = await clientOf([server.url], { token: { kind: 'file', path } });
  await assert.rejects(readLeader(held.client), { code: 'TANDEM_FILE_UNREADABLE' });
  for (const text of ['first\n', 'second']) {
    await writeFile(path, text);
    await readLeader(held.client);
  }
  await writeFile(path, '\n');
  await assert.rejects(readLeader(held.client), { code: 'TANDEM_FILE_UNREADABLE', message: /empty/ });
  assert.deepEqual(
    server.seen.map(({ token }) => token),
    ['first', 'second'],
  );
});

/** Gives out the tokens t1, t2, …; takes only those that are not revoked. */
function loginServer(revoked: ReadonlySet<string>, refusal = 'ACL not found'): Promise<FakeConsul> {
  let count = 0;
  const reply: Reply = (response, seen, request) => {
    if (seen.url === '/v1/acl/login') {
      count += 1;
      return json({ AccessorID: `a${count}`, SecretID: `t${count}` })(response, seen, request);
    }
    if (revoked.has(seen.token ?? '')) return status(403, refusal)(response, seen, request);
    return json(seen.url === '/v1/acl/logout' ? true : 'x')(response, seen, request);
  };
  return fakeConsul(reply);
}

async function login(server: FakeConsul) {
  const bearerTokenFile = join(folder, 'bearer');
  await writeFile(bearerTokenFile, 'the-bearer\n');
  return clientOf([server.url], { token: { kind: 'login', method: 'k8s', bearerTokenFile } });
}

function paths(server: FakeConsul): (readonly [string, string | undefined])[] {
  return server.seen.map(({ url, token }) => [url.replace('/v1/', ''), token] as const);
}

test('one login serves all requests, and the end is a logout', async () => {
  await using server = await loginServer(new Set());
  const held = await login(server);
  await Promise.all([readLeader(held.client), readLeader(held.client), readLeader(held.client)]);
  await held.client.close();
  assert.deepEqual(paths(server), [
    ['acl/login', undefined],
    ['status/leader', 't1'],
    ['status/leader', 't1'],
    ['status/leader', 't1'],
    ['acl/logout', 't1'],
  ]);
  assert.deepEqual(JSON.parse(server.seen[0]?.body ?? ''), {
    AuthMethod: 'k8s',
    BearerToken: 'the-bearer',
    Meta: { component: 'tandem' },
  });
});

test('a client that was never used has nothing to log out of', async () => {
  await using server = await loginServer(new Set());
  const held = await login(server);
  await held.client.close();
  assert.equal(server.seen.length, 0);
});

test('a token that is gone is exchanged once for all requests, and they go on', async () => {
  const revoked = new Set<string>();
  await using server = await loginServer(revoked);
  await using held = await login(server);
  await readLeader(held.client);
  revoked.add('t1');
  assert.deepEqual(await Promise.all([readLeader(held.client), readLeader(held.client)]), ['x', 'x']);
  assert.equal(paths(server).filter(([path]) => path === 'acl/login').length, 2);
});

for (const [what, refusal, code] of [
  ['a missing right', 'Permission denied', 'FORBIDDEN'],
  ['a name that a stranger chose', 'JWT Provider does not exist. Provider Name: ACL not found', 'REFUSED'],
] as const)
  test(`${what} is no reason to log in again at once`, async () => {
    await using server = await loginServer(new Set(['t1']), refusal);
    await using held = await login(server);
    for (let count = 0; count < 3; count += 1)
      await assert.rejects(readLeader(held.client), { code: `TANDEM_CONSUL_${code}` });
    assert.equal(paths(server).filter(([path]) => path === 'acl/login').length, 1);
  });

test('a second token that is refused too is an error, not a loop', async () => {
  await using server = await loginServer(new Set(['t1', 't2', 't3']));
  await using held = await login(server);
  await assert.rejects(readLeader(held.client), { code: 'TANDEM_CONSUL_FORBIDDEN' });
  assert.equal(paths(server).filter(([path]) => path === 'status/leader').length, 2);
});

for (const [what, reply] of [
  ['a refusal', status(403, 'Permission denied for the-bearer')],
  ['a page', status(200, '<html>the-bearer</html>', 'text/html')],
  ['half of an answer', status(200, '{"SecretID":"the-secret","Acc', 'application/json')],
  ['no token in it', json({ AccessorID: 'a' })],
] as const) {
  test(`a login that fails (${what}) tells no secret, and is tried again`, async () => {
    await using server = await fakeConsul(reply);
    await using held = await login(server);
    for (let count = 1; count <= 2; count += 1) {
      await assert.rejects(readLeader(held.client), (error: Error) => {
        assert.doesNotMatch(inspect(error, { depth: 9 }), /the-bearer|the-secret/);
        return true;
      });
      assert.equal(server.seen.length, count);
    }
  });
}

test('TLS: the CA and the name of the server decide', async () => {
  const ca = await generateCa(Date.now());
  const other = await generateCa(Date.now());
  const pair = generateServing(ca, ['server.dc1.consul'], Date.now());
  const files = { ca: join(folder, 'ca.pem'), other: join(folder, 'other.pem') };
  await writeFile(files.ca, ca.certificate);
  await writeFile(files.other, other.certificate);
  const server = createServer({ cert: pair.certificate, key: pair.key }, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('"x"');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const names: string[] = [];
  server.on('secureConnection', (socket) => names.push(String(socket.servername)));
  const addresses = [`https://127.0.0.1:${(server.address() as AddressInfo).port}`];
  const serverName = 'server.dc1.consul';
  try {
    await using well = await clientOf(addresses, { caFile: files.ca, serverName });
    assert.equal(await readLeader(well.client), 'x');
    assert.deepEqual(names, [serverName]);
    const unknown = /its certificate is signed by a CA that is not trusted here/;
    for (const [options, message] of [
      [{ caFile: files.ca }, /altnames/],
      [{ caFile: files.other, serverName }, unknown],
      [{ serverName }, unknown],
    ] as const) {
      await using refused = await clientOf(addresses, options);
      await assert.rejects(readLeader(refused.client), { code: 'TANDEM_CONSUL_UNREACHABLE', message });
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('TLS: what has expired says so, and so does a port without TLS', async () => {
  const ca = await generateCa(Date.now());
  const { certificate: cert, key } = generateServing(ca, ['localhost'], Date.now() - 365 * 86_400_000);
  const caFile = join(folder, 'expired.pem');
  await writeFile(caFile, ca.certificate);
  const server = createServer({ cert, key }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using plain = await fakeConsul(json('x'));
  try {
    for (const [url, message] of [
      [
        `https://localhost:${(server.address() as AddressInfo).port}`,
        /its certificate has expired, so it has to be renewed there$/,
      ],
      [plain.url.replace('http:', 'https:'), /it does not speak TLS at this port$/],
    ] as const) {
      await using refused = await clientOf([url], { caFile });
      await assert.rejects(readLeader(refused.client), { code: 'TANDEM_CONSUL_UNREACHABLE', message });
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a CA that is exchanged in its file is trusted from the next connection on, and the old one no longer', async () => {
  mock.timers.enable({ apis: ['setInterval'] });
  const [old, next] = await Promise.all([generateCa(Date.now()), generateCa(Date.now())]);
  const caFile = join(folder, 'exchanged.pem');
  await writeFile(caFile, old.certificate);
  const serverName = 'server.dc1.consul';
  const leaf = async (ca: typeof old): Promise<{ cert: string; key: string }> => {
    const { certificate: cert, key } = generateServing(ca, [serverName], Date.now());
    return { cert, key };
  };
  const server = createServer(await leaf(old), (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end('"x"');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const problems: string[] = [];
  try {
    await using opened = await clientOf([`https://127.0.0.1:${(server.address() as AddressInfo).port}`], {
      caFile,
      serverName,
      onCaProblem: (reason) => problems.push(reason),
    });
    const { client } = opened;
    const refused = (): Promise<void> =>
      assert.rejects(readLeader(client), { code: 'TANDEM_CONSUL_UNREACHABLE' });
    const read = (check: () => Promise<unknown>): Promise<unknown> =>
      eventually('the file is read', () => {
        mock.timers.tick(10_000);
        return check();
      });
    assert.equal(await readLeader(client), 'x');
    server.setSecureContext(await leaf(next));
    await refused();
    await writeFile(caFile, 'no certificate');
    await read(async () => assert.equal(problems.length, 1));
    await writeFile(caFile, next.certificate);
    await read(async () => assert.equal(await readLeader(client), 'x'));
    server.setSecureContext(await leaf(old));
    await refused();
  } finally {
    server.closeAllConnections();
    server.close();
    mock.timers.reset();
  }
});

test('a CA that cannot be read is an error at the start', async () => {
  await assert.rejects(clientOf([], { caFile: join(folder, 'absent.pem') }), {
    code: 'TANDEM_FILE_UNREADABLE',
    message: /absent\.pem/,
  });
});
