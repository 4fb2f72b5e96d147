/** `tandem plan` and `tandem explain` of clusters with very many endpoints. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { startEmbeddedConsul, type EmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { startFakeApiServer, type FakeApiServer } from '../../bench/sync/fake-api-server.ts';
import { TANDEM } from '../../real/harness/tandem-program.ts';
import { runTandem, spawnTandem } from './tandem-process.ts';

const SERVICES = 400;
const ENDPOINTS = 100;
const ROWS = SERVICES * ENDPOINTS;
// KiB. An argument takes 8 bytes of it, so that a list of all rows does not fit; of Node's own 984 KiB it takes 126,000.
const PROGRAM = ['--stack-size=200', TANDEM];

let folder: string;
let cluster: FakeApiServer;
let consul: EmbeddedConsul;
let flags: readonly string[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-large-plan-'));
  [cluster, consul] = await Promise.all([startFakeApiServer(SERVICES, ENDPOINTS), startEmbeddedConsul()]);
  await writeFile(join(folder, 'config'), cluster.kubeconfig);
  flags = [`--kubeconfig=${join(folder, 'config')}`, `--consul-http-addr=${consul.url}`];
});
after(async () => {
  await Promise.all([cluster.close(), consul.close()]);
  await rm(folder, { recursive: true });
});

/** Which settings made the names, as every plan says it, and no other word. */
const NOTE = /^tandem plan: names by [^\n]*\n$/;

test('a plan of more rows than a call takes arguments is printed as a table', async () => {
  const { code, stdout, stderr } = await runTandem(['plan', ...flags], '', {}, PROGRAM);
  assert.equal(code, 3);
  assert.match(stderr, NOTE);
  assert.equal(stdout.match(/^\+ register {2}/gm)?.length, ROWS);
  assert.match(stdout, new RegExp(`^${ROWS} to register, .*\n$`, 'm'));
});

test('and as JSON', async () => {
  const { code, stdout } = await runTandem(['plan', ...flags, '--output=json'], '', {}, PROGRAM);
  assert.equal(code, 3);
  assert.equal((JSON.parse(stdout) as { register: readonly unknown[] }).register.length, ROWS);
});

test('a reader that closes the pipe ends it without a word about it', async () => {
  const child = spawnTandem(['plan', ...flags]);
  child.stdout.once('data', () => child.stdout.destroy());
  const [said, [code]] = (await Promise.all([text(child.stderr), once(child, 'exit')])) as [string, [number]];
  assert.equal(code, 3);
  assert.match(said, NOTE);
});
