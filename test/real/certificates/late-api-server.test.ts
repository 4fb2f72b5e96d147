/** One of two API servers learns everything late: it meets no certificate of whose CA it cannot know yet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { eventually } from '../harness/eventually.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { startScene } from '../harness/scene.ts';
import { startReplicas } from './replicas.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl']);
const api = await startApiServer(scene);
const proxy = await startFaultProxy(scene, Number(new URL(api.etcd).port));
const late = await startApiServer(scene, `http://127.0.0.1:${proxy.port}`);

const HOUR = 60 * 60 * 1000;
const LATENESS = 3000;
// What is late by that, and by the slowness of the machine, knows the bundle by then.
const SETTLE = 12_000;
const replicas = await startReplicas(scene, api, {
  name: 'late',
  times: { caLife: HOUR, servingLife: HOUR / 3, settle: SETTLE },
  leaseTimes: { duration: 12_000, renewDeadline: 8000, retry: 500 },
  skews: [0, 0],
});
const create = (name: string): ReturnType<typeof api.admin.request> =>
  late.admin.request('POST', '/api/v1/namespaces/late/pods', {
    metadata: { name, annotations: { 'consul.hashicorp.com/connect-inject': 'true' } },
    spec: { containers: [{ name: 'web', image: 'example/web' }] },
  });
await eventually('the late one calls the webhook', async () => {
  const { body } = await create(`pod-${Date.now()}`);
  assert.match(JSON.stringify(body), /connect-inject-status":"injected"/);
});

/** Why a webhook could not be called; what is admitted ends at its name, which is none, before anything is stored. */
async function refusal(): Promise<string | undefined> {
  const { status, body } = await create('NONE');
  return status === 422 ? undefined : `${Date.now()} ${status} ${JSON.stringify(body)}`;
}

/** Another CA and its certificate, as `tandem certs` or a person writes them. */
async function giveAnotherCa(): Promise<void> {
  const ca = await generateCa(Date.now());
  const serving = generateServing(ca, ['127.0.0.1'], Date.now());
  const files = {
    'ca.crt': ca.certificate,
    'ca.key': ca.key,
    'tls.crt': serving.certificate,
    'tls.key': serving.key,
  };
  const data = Object.fromEntries(
    Object.entries(files).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  await api.admin.expect('PATCH', replicas.secretPath, { data }, MERGE_PATCH);
}

/** Asks the late one for pods, some a second, until each of the replicas serves what the Secret has been given. */
async function refusedUntilServed(meanwhile: () => Promise<unknown>): Promise<readonly string[]> {
  const from = new Map(replicas.processes().map((replica) => [replica, replica.position()]));
  const isServed = (): boolean =>
    replicas
      .processes()
      .every((replica) => replica.log(from.get(replica)).includes('"certificate":"changed"'));
  const refused: string[] = [];
  const ask = async (): Promise<void> => {
    const answer = await refusal();
    if (answer !== undefined) refused.push(answer);
  };
  proxy.set({ kind: 'delay', milliseconds: LATENESS });
  await giveAnotherCa();
  const other = meanwhile();
  do {
    await ask();
    await sleep(250);
  } while (!isServed());
  await other;
  await ask();
  proxy.set({ kind: 'none' });
  return refused;
}

test('the Secret is given another CA and its certificate', async () => {
  assert.deepEqual(await refusedUntilServed(async () => undefined), []);
});

test('and a replica starts while its CA is fresh', async () => {
  assert.deepEqual(await refusedUntilServed(() => replicas.add()), []);
});

test('a replica that starts later waits for nothing', async () => {
  const begin = performance.now();
  const started = await replicas.add();
  // Three CAs are published still; the configuration says since when.
  const seconds = (performance.now() - begin) / 1000;
  assert.ok(seconds * 1000 < SETTLE, `${seconds} s:\n${started.log()}`);
});
