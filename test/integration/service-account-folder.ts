/** What the kubelet puts into a pod for the Kubernetes API, with the certificate of a server that plays it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { generateCa, generateServing } from '../../src/certificates/generate.ts';
import type { KeyPair } from '../../src/certificates/key-pair.ts';

/** @returns the folder, which goes with the last test of the file, and what a server at 127.0.0.1 proves itself with */
export async function serviceAccountFolder(): Promise<{ readonly folder: string; readonly pair: KeyPair }> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-account-'));
  after(() => rm(folder, { recursive: true }));
  const ca = await generateCa(Date.now());
  await writeFile(join(folder, 'ca.crt'), ca.certificate);
  await writeFile(join(folder, 'token'), 'the-token\n');
  return { folder, pair: generateServing(ca, ['127.0.0.1'], Date.now()) };
}
