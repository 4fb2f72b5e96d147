/** The CA of Consul in a file, as a mounted ConfigMap is renewed. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';
import { openCaFile } from '../../../src/consul/ca-file.ts';
import { generateCa } from '../../../src/certificates/generate.ts';
import { eventually } from '../../real/harness/eventually.ts';

const folder = mkdtempSync(join(tmpdir(), 'tandem-ca-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'ca.crt');
const [first, second] = await Promise.all([generateCa(Date.now()), generateCa(Date.now())]);

/** The file is looked at again and again. */
async function seen(check: () => void): Promise<void> {
  await eventually('the file was read', async () => {
    mock.timers.tick(10_000);
    check();
  });
}

test('what the file holds now is the CA, and what is none leaves the old one, with one word about it', async () => {
  mock.timers.enable({ apis: ['setInterval'] });
  const problems: string[] = [];
  writeFileSync(path, first.certificate);
  const file = await openCaFile(path, (reason) => problems.push(reason));
  assert.equal(file.current(), first.certificate);
  const both = `${second.certificate}${first.certificate}`;
  writeFileSync(path, both);
  await seen(() => assert.equal(file.current(), both));
  writeFileSync(path, 'not a certificate');
  await seen(() =>
    assert.deepEqual(problems, [`cannot read Consul's CA in ${path}: it is not a certificate in PEM`]),
  );
  assert.equal(file.current(), both);
  writeFileSync(path, second.certificate);
  await seen(() => assert.equal(file.current(), second.certificate));
  assert.equal(problems.length, 1);
  file.close();
  mock.timers.reset();
});

test('without a CA at the start there is none', async () => {
  for (const content of ['', '-----BEGIN CERTIFICATE-----\n']) {
    writeFileSync(path, content);
    await assert.rejects(
      openCaFile(path, () => undefined),
      /cannot read Consul's CA in/,
    );
  }
  await assert.rejects(
    openCaFile(join(folder, 'none'), () => undefined),
    /cannot read Consul's CA in/,
  );
});
