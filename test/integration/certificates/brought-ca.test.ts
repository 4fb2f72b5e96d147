/** A CA that somebody made with OpenSSL, where Tandem would make its own: in a folder of `--tls-auto-dir`, and in the shared Secret. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { autoSource } from '../../../src/certificates/auto-source.ts';
import { contentAfter } from '../../../src/certificates/content-after.ts';
import { elementsIn } from '../../../src/certificates/der.ts';
import type { KeyPair } from '../../../src/certificates/key-pair.ts';
import { readContent } from '../../../src/certificates/secret-content.ts';

const run = promisify(execFile);
const HOSTS = ['webhook.tandem.svc', '127.0.0.1', '::1'];
const DAY = 24 * 60 * 60 * 1000;
const TIMES = { caLife: 365 * DAY, servingLife: 30 * DAY, settle: 0 };

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'tandem-brought-'))));
after(() => rm(folder, { recursive: true }));

/** OpenSSL writes the name as UTF8String, and selfsigned as PrintableString. */
async function byOpenssl(...newKey: readonly string[]): Promise<KeyPair> {
  const [certificate, key] = ['ca.crt', 'ca.key'].map((name) => join(folder, name));
  assert.ok(certificate !== undefined && key !== undefined);
  const of = ['-subj', '/O=Mueller/CN=brought', '-days', '20', '-keyout', key, '-out', certificate];
  await run('openssl', ['req', '-x509', '-nodes', '-newkey', ...newKey, ...of]);
  return { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') };
}

/** What a start with that folder serves, and the CA that is in the folder then. */
async function servedFromFolder(): Promise<{ readonly pair: KeyPair; readonly ca: string }> {
  // A folder with fewer than four files is taken for an empty one.
  for (const name of ['tls.crt', 'tls.key']) await writeFile(join(folder, name), '');
  const source = await autoSource({ hosts: HOSTS, folder, now: Date.now });
  source.close();
  return { pair: source.current(), ca: await readFile(join(folder, 'ca.crt'), 'utf8') };
}

async function servedFromSecret({ certificate, key }: KeyPair): Promise<KeyPair | undefined> {
  const texts = { 'ca.crt': certificate, 'ca.key': key };
  const step = { kind: 'issue', reason: 'serving-unusable' } as const;
  return readContent(await contentAfter(step, texts, HOSTS, TIMES, Date.now())).serving;
}

/** The bytes of issuer and subject, which Go compares. */
function namesIn(pem: string): { readonly issuer: Buffer | undefined; readonly subject: Buffer | undefined } {
  const [content = Buffer.alloc(0)] = elementsIn(new X509Certificate(pem).raw);
  const [, , , issuer, , subject] = elementsIn(content);
  return { issuer, subject };
}

async function assertServes({ certificate, key }: KeyPair, ca: string): Promise<void> {
  assert.deepEqual(namesIn(certificate).issuer, namesIn(ca).subject);
  const [leaf, authority] = [new X509Certificate(certificate), new X509Certificate(ca)];
  assert.ok(leaf.validToDate <= authority.validToDate);
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  const server = createServer({ cert: certificate, key }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (const servername of ['webhook.tandem.svc', '']) {
    const socket = connect({ host: '127.0.0.1', port, ca, servername });
    await once(socket, 'secureConnect');
    socket.destroy();
  }
  server.close();
}

for (const [what, ...newKey] of [
  ['an EC CA', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  ['an RSA CA', 'rsa:2048'],
] as const)
  test(`${what} by OpenSSL signs, and clients that compare names as bytes accept it`, async () => {
    const ca = await byOpenssl(...newKey);
    const { pair, ca: kept } = await servedFromFolder();
    assert.equal(kept, ca.certificate);
    await assertServes(pair, ca.certificate);
    const shared = await servedFromSecret(ca);
    assert.ok(shared !== undefined);
    await assertServes(shared, ca.certificate);
  });

test('a CA with a key of another kind is replaced', async () => {
  const ca = await byOpenssl('ed25519');
  const { pair, ca: next } = await servedFromFolder();
  assert.notEqual(next, ca.certificate);
  await assertServes(pair, next);
  assert.equal(readContent({ 'ca.crt': ca.certificate, 'ca.key': ca.key }).ca, undefined);
});
