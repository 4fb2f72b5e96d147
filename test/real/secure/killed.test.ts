/**
 * The loop is ended by SIGKILL in the middle of each of its steps, and begun again: the end is the same, and nothing is there twice. So
 * it is while an operator brings everything, and for two loops without a Lease that the API server and Consul leave alone for long.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes, X509Certificate } from 'node:crypto';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newCa, newLeaf } from '../../../src/certificates/sign.ts';
import { eventually } from '../harness/eventually.ts';
import type { RunningProcess } from '../harness/processes.ts';
import { startScene } from '../harness/scene.ts';
import { TANDEM } from '../harness/tandem-program.ts';
import { NAME, startSecureScene, type StartedAgent } from './secure-scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
// A Lease would have to run out after each kill.
const secure = await startSecureScene(scene, ['--leader-election=false', '--sync-directions=']);
const starting = secure.startServers(1);
const BROUGHT = [
  '--brought=ca=my-ca/tls.crt,ca-key=my-ca/tls.key,gossip=my-gossip/key,server=my-server',
  `--bootstrap-token-secret=${NAME}-brought`,
];

/** Whether a run is killed when this step begins. */
type End = (step: string) => boolean;

/** The step in which the last run was killed may be done or not. The next run ends at the first one that is another. */
function eachStep(): End {
  let last: string | undefined;
  return (step) => {
    const isAnother = step !== last;
    last = step;
    return isAnother;
  };
}

/** Kills it there, or ends it when nothing is due; the answer tells which. */
async function runUntil(
  isEnd: End | undefined,
  more: readonly string[] = [],
): Promise<{ readonly isDone: boolean; readonly steps: number }> {
  const flags = [...secure.flags, ...more, '--log-level=debug', '--status-listen=127.0.0.1:0'];
  const child = spawn(process.execPath, [TANDEM, 'secure', ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  scene.atEnd(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  let [steps, isDone] = [0, false];
  for await (const line of createInterface(child.stdout)) {
    const { msg, step, reason, object } = JSON.parse(line) as Readonly<Record<string, string>>;
    if (msg === 'a step is done') steps += 1;
    isDone = msg === 'nothing is due';
    if (isDone || (msg === 'a step begins' && isEnd?.([step, reason, object].join(' ')))) break;
  }
  child.kill('SIGKILL');
  await exited;
  return { isDone, steps };
}

async function theServer(): Promise<StartedAgent> {
  const [server] = await starting;
  assert.ok(server);
  return server;
}

async function consulList(path: string): Promise<readonly Record<string, unknown>[]> {
  const token = (await secure.secret(`${NAME}-bootstrap-acl-token`))?.['token'] ?? '';
  return (await secure.ask(await theServer(), 'GET', path, { token })).json as never;
}

async function described(): Promise<readonly string[]> {
  const tokens = await consulList('/v1/acl/tokens');
  return tokens.map(({ Description: text }) => String(text)).toSorted();
}

const TOKENS = [
  'Anonymous Token',
  'Bootstrap Token (Global Management)',
  'tandem: token agent of mesh, cluster east',
  'tandem: token dns of mesh, cluster east',
];

test('killed at every step', async () => {
  let runs = 0;
  const isEnd = eachStep();
  for (let isDone = false; !isDone; runs += 1) {
    assert.ok(runs < 60, 'it comes to no end');
    ({ isDone } = await runUntil(isEnd));
  }
  assert.ok(runs > 10, `${runs} runs`);

  assert.deepEqual(await described(), TOKENS);
  assert.equal((await consulList('/v1/acl/binding-rules')).length, 1);

  const before = await secure.versions();
  assert.deepEqual(await runUntil(undefined), { isDone: true, steps: 0 });
  assert.equal(await secure.versions(), before);
});

test('killed at every step while a CA, certificates, a gossip key and a token are brought', async () => {
  const server = await theServer();
  const ca = newCa({ now: Date.now(), life: 86_400_000 });
  const leaf = newLeaf(ca, ['server.dc1.consul', 'localhost'], { now: Date.now(), life: 3_600_000 });
  const gossip = randomBytes(32).toString('base64');
  const own = (await secure.secret(`${NAME}-bootstrap-acl-token`))?.['token'] ?? '';
  const body = { Description: 'of the operator', Policies: [{ Name: 'global-management' }] };
  const made = await secure.ask(server, 'PUT', '/v1/acl/token', { token: own, body });
  await secure.bring('my-ca', { 'tls.crt': ca.certificate, 'tls.key': ca.key });
  await secure.bring('my-server', { 'tls.crt': leaf.certificate, 'tls.key': leaf.key });
  await secure.bring('my-gossip', { key: gossip });
  await secure.bring(`${NAME}-brought`, { token: (made.json as { readonly SecretID: string }).SecretID });

  let runs = 0;
  const isEnd = eachStep();
  for (let isDone = false; !isDone; runs += 1) {
    assert.ok(runs < 30, 'it comes to no end');
    await server.swap();
    ({ isDone } = await runUntil(isEnd, BROUGHT));
  }
  assert.ok(runs > 10, `${runs} runs`);
  assert.equal(await secure.servedSerial(server), new X509Certificate(leaf.certificate).serialNumber);
  const [ring] = await consulList('/v1/operator/keyring');
  assert.deepEqual(Object.keys(ring?.['PrimaryKeys'] ?? {}), [gossip]);
  assert.deepEqual(await described(), [...TOKENS, 'of the operator'].toSorted());
  const before = await secure.versions();
  assert.deepEqual(await runUntil(undefined, BROUGHT), { isDone: true, steps: 0 });
  assert.equal(await secure.versions(), before);
});

// Longer than any request waits for its answer.
const OUTAGE_MILLISECONDS = 35_000;

/** Nothing answers, and nothing is refused. */
async function standStill(program: RunningProcess): Promise<void> {
  await program.hang();
  await sleep(OUTAGE_MILLISECONDS);
  program.goOn();
}

test('two loops without a Lease, while first the API server and then Consul does not answer: one end, then no write', async () => {
  const server = await theServer();
  const loops = [await secure.loop(BROUGHT), await secure.loop(BROUGHT)];
  const old = (await secure.secret(`${NAME}-server-secrets`))?.['tandem.json'];
  assert.equal((await secure.run(['--rotate=agent-tokens'])).code, 0);
  await standStill(secure.api.process());
  await standStill(server.process());
  await eventually('both have come to the end', async () => {
    await server.swap();
    assert.notEqual((await secure.secret(`${NAME}-server-secrets`))?.['tandem.json'], old);
    for (const loop of loops) assert.match((await loop.status()).controllers[0]?.step ?? '', /^keep/);
  });
  assert.deepEqual(await described(), [...TOKENS, 'of the operator'].toSorted());
  assert.equal((await consulList('/v1/acl/binding-rules')).length, 1);
  const before = await secure.versions();
  // Two full looks of each.
  await sleep(22_000);
  assert.equal(await secure.versions(), before);
  for (const loop of loops) await loop.process.stop();
});
