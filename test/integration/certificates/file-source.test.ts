/** Certificates from files that change under the server, in the ways in which they really do. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileSource } from '../../../src/certificates/file-source.ts';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import type { CertificateEvent, CertificateSource, KeyPair } from '../../../src/certificates/key-pair.ts';

let root: string;
let ca: KeyPair;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'tandem-files-'));
  ca = await generateCa(Date.now());
});
after(() => rm(root, { recursive: true }));

const newPair = (): KeyPair => generateServing(ca, ['localhost'], Date.now());

function nextEvent(source: CertificateSource): Promise<CertificateEvent> {
  return new Promise((resolve) => source.onEvent(resolve));
}

/** A volume as the kubelet writes it: files are links through `..data`, which is swapped as a whole. */
async function secretVolume(name: string) {
  const folder = join(root, name);
  let version = 0;
  const write = async ({ certificate, key }: KeyPair): Promise<void> => {
    version += 1;
    const data = `..version-${version}`;
    await mkdir(join(folder, data), { recursive: true });
    await writeFile(join(folder, data, 'tls.crt'), certificate);
    await writeFile(join(folder, data, 'tls.key'), key);
    await symlink(data, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    if (version > 1) await rm(join(folder, `..version-${version - 1}`), { recursive: true });
  };
  const first = newPair();
  await write(first);
  for (const file of ['tls.crt', 'tls.key']) await symlink(join('..data', file), join(folder, file));
  return { first, write, files: { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') } };
}

test('a mounted Secret that is swapped as a whole is read again', async () => {
  const { first, write, files } = await secretVolume('secret');
  const source = await fileSource(files);
  try {
    assert.deepEqual(source.current(), first);
    for (const pair of [newPair(), newPair()]) {
      const event = nextEvent(source);
      await write(pair);
      assert.deepEqual(await event, { kind: 'changed', pair });
      assert.deepEqual(source.current(), pair);
    }
  } finally {
    source.close();
  }
});

test('a certificate without its key keeps the pair in use, until the key is there too', async () => {
  const folder = join(root, 'pair');
  await mkdir(folder);
  const files = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  const [first, second] = [newPair(), newPair()];
  await writeFile(files.certificate, first.certificate);
  await writeFile(files.key, first.key);
  const source = await fileSource(files);
  try {
    const failed = nextEvent(source);
    await writeFile(files.certificate, second.certificate);
    assert.equal((await failed).kind, 'failed');
    assert.deepEqual(source.current(), first);
    const changed = nextEvent(source);
    await writeFile(files.key, second.key);
    assert.deepEqual(await changed, { kind: 'changed', pair: second });
  } finally {
    source.close();
  }
});

test('files that vanish keep the pair in use', async () => {
  const folder = join(root, 'gone');
  await mkdir(folder);
  const files = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  const pair = newPair();
  await writeFile(files.certificate, pair.certificate);
  await writeFile(files.key, pair.key);
  const source = await fileSource(files);
  try {
    const failed = nextEvent(source);
    await rm(files.key);
    const event = await failed;
    assert.ok(event.kind === 'failed' && event.error.code === 'TANDEM_FILE_UNREADABLE');
    assert.deepEqual(source.current(), pair);
  } finally {
    source.close();
  }
});
