/** The version of an API server, asked as from inside a pod: over TLS, with the CA and the token of a service account. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import type { KeyPair } from '../../../src/certificates/key-pair.ts';
import { readServerVersion, type ServerVersion } from '../../../src/kubernetes/server-version.ts';
import { ownNamespace } from '../../../src/kubernetes/service-account.ts';
import { serviceAccountFolder } from '../service-account-folder.ts';

const { folder: serviceAccount, pair: ownPair } = await serviceAccountFolder();
let pair: KeyPair = ownPair;

async function ask(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  timeout?: number,
): Promise<ServerVersion> {
  const server = createServer({ cert: pair.certificate, key: pair.key }, answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const port = String((server.address() as AddressInfo).port);
    return await readServerVersion({ host: '127.0.0.1', port, serviceAccount }, timeout);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('the version is read with the token of the service account', async () => {
  const seen: unknown[] = [];
  const version = await ask(({ url, headers }, response) => {
    seen.push(url, headers.authorization);
    response.end('{"major":"1","minor":"34+","gitVersion":"v1.34.1-eks"}');
  });
  assert.deepEqual([version, seen], [{ major: 1, minor: 34 }, ['/version', 'Bearer the-token']]);
});

const failures: readonly [string, RegExp, (response: ServerResponse) => void][] = [
  ['a refusal', /status 403/, (response) => response.writeHead(403).end('{}')],
  ['no JSON', /JSON/, (response) => response.end('<html>')],
  ['no version', /no version/, (response) => response.end('{"major":"one"}')],
  [
    'half an answer',
    /aborted|closed|reset/i,
    (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"major"');
      response.socket?.end();
    },
  ],
];
for (const [what, message, answer] of failures) {
  test(`${what} is an error that says so, without the token`, async () => {
    await assert.rejects(
      ask((_request, response) => answer(response)),
      (error: Error) => message.test(error.message) && !error.message.includes('the-token'),
    );
  });
}

test('a server that drips bytes does not get more than its time', async () => {
  await assert.rejects(
    ask((_request, response) => {
      const drip = setInterval(() => response.write(' '), 5);
      response.on('close', () => clearInterval(drip));
    }, 50),
    /no answer within 50 ms/,
  );
});

test('a server of another CA is not believed', async () => {
  const ca = await generateCa(Date.now());
  pair = generateServing(ca, ['127.0.0.1'], Date.now());
  await assert.rejects(
    ask((_request, response) => response.end('{"major":"1","minor":"34"}')),
    /certificate/,
  );
  pair = ownPair;
});

test('without a ServiceAccount another attempt is of no use', async () => {
  const cluster = { host: '127.0.0.1', port: '1', serviceAccount: join(serviceAccount, 'absent') };
  await assert.rejects(readServerVersion(cluster), {
    code: 'TANDEM_FILE_UNREADABLE',
    message: /cannot read the ServiceAccount: ENOENT/,
  });
});

test('the namespace comes from the mount, and is unknown without one', async () => {
  assert.equal(await ownNamespace(serviceAccount), undefined);
  await writeFile(join(serviceAccount, 'namespace'), 'tandem\n');
  assert.equal(await ownNamespace(serviceAccount), 'tandem');
});
