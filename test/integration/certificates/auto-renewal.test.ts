/** `--tls-auto` in a process that lives for longer than its certificate. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { autoSource } from '../../../src/certificates/auto-source.ts';
import type { CertificateEvent, CertificateSource } from '../../../src/certificates/key-pair.ts';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

function nextEvent(source: CertificateSource): Promise<CertificateEvent> {
  return new Promise((resolve) => source.onEvent(resolve));
}

test('the certificate is renewed while the process runs, by the CA that clients know', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  let now = Date.now();
  const source = await autoSource({ hosts: ['localhost'], folder: undefined, now: () => now });
  const [ca, first] = [source.caCertificate(), source.current()];
  const changed = nextEvent(source);
  now += 21 * DAY;
  context.mock.timers.tick(HOUR);
  const event = await changed;
  assert.ok(event.kind === 'changed');
  assert.notEqual(event.pair.certificate, first.certificate);
  assert.deepEqual([source.current(), source.caCertificate()], [event.pair, ca]);
  const serving = new X509Certificate(event.pair.certificate);
  assert.ok(serving.verify(new X509Certificate(ca).publicKey));
  assert.ok(serving.validToDate.getTime() > now + 29 * DAY);
  source.close();
});

test('a folder that cannot be written keeps the certificate in use, and says so', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const root = await mkdtemp(join(tmpdir(), 'tandem-renewal-'));
  const folder = join(root, 'certs');
  let now = Date.now();
  const source = await autoSource({ hosts: ['localhost'], folder, now: () => now });
  const first = source.current();
  await rm(folder, { recursive: true });
  await writeFile(folder, 'a file where the folder was');
  const failed = nextEvent(source);
  now += 21 * DAY;
  context.mock.timers.tick(HOUR);
  const event = await failed;
  assert.ok(event.kind === 'failed');
  assert.doesNotMatch(event.error.message, /PRIVATE KEY/);
  assert.equal(source.current(), first);
  source.close();
  await rm(root, { recursive: true });
});
