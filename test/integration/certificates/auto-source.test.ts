/** `--tls-auto` with a folder: what a restart keeps, and what it makes anew. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { autoSource } from '../../../src/certificates/auto-source.ts';
import { readFolder } from '../../../src/certificates/certificate-folder.ts';

const DAY = 24 * 60 * 60 * 1000;
const START = Date.now();
let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'tandem-auto-'))));
after(() => rm(folder, { recursive: true }));

/** What a start at this time serves. */
async function startAt(time: number, hosts: readonly string[] = ['localhost', '127.0.0.1']) {
  const source = await autoSource({ hosts, folder, now: () => time });
  source.close();
  return { ca: source.caCertificate(), serving: new X509Certificate(source.current().certificate) };
}

test('a certificate with more than a third of its life left is kept, then renewed by the same CA, then by a new one', async () => {
  const first = await startAt(START);
  const later = await startAt(START + 19 * DAY);
  assert.equal(later.serving.serialNumber, first.serving.serialNumber);
  const renewed = await startAt(START + 21 * DAY);
  assert.notEqual(renewed.serving.serialNumber, first.serving.serialNumber);
  assert.equal(renewed.ca, first.ca);
  assert.ok(renewed.serving.checkIssued(new X509Certificate(renewed.ca)));
  assert.notEqual((await startAt(START + 250 * DAY)).ca, first.ca);
});

test('the certificate is for every host, of either kind', async () => {
  const { serving } = await startAt(START, ['webhook.tandem.svc', '127.0.0.1', '::1']);
  assert.equal(serving.checkHost('webhook.tandem.svc'), 'webhook.tandem.svc');
  assert.equal(serving.checkIP('127.0.0.1'), '127.0.0.1');
  assert.ok(serving.checkIP('::1'));
  assert.equal(serving.checkHost('other'), undefined);
  const other = await startAt(START, ['other']);
  assert.equal(other.serving.checkHost('other'), 'other', 'other hosts, another certificate');
});

test('garbage and a key of another certificate are replaced, a missing file too', async () => {
  for (const spoil of [
    () => writeFile(join(folder, 'tls.crt'), 'garbage'),
    () => writeFile(join(folder, 'ca.crt'), ''),
    async () => writeFile(join(folder, 'tls.key'), (await readFolder(folder))?.ca.key ?? ''),
    () => rm(join(folder, 'ca.key')),
  ]) {
    await startAt(START);
    await spoil();
    const { ca, serving } = await startAt(START);
    assert.ok(serving.checkIssued(new X509Certificate(ca)));
    assert.ok(serving.checkPrivateKey(createPrivateKey((await readFolder(folder))?.serving.key ?? '')));
  }
});
