/** The Secret is deleted, edited and spoilt, the leader is killed, the clocks are wrong: no pod is refused meanwhile. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startReplicas, type Replicas, type Storm } from './replicas.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl']);
const api = await startApiServer(scene);

const HOUR = 60 * 60 * 1000;
// Nothing is due while the faults last: what happens is their doing. The API server of a machine with more work than it can do
// was seen to learn of a bundle a second late.
const SETTLE = 5000;
const TIMES = { caLife: HOUR, servingLife: HOUR / 3, settle: SETTLE };
const LEASE_TIMES = { duration: 3000, renewDeadline: 2000, retry: 600 };

const encode = (text: string): string => Buffer.from(text).toString('base64');

async function read(replicas: Replicas, key: string): Promise<string> {
  const { data } = (await api.admin.expect('GET', replicas.secretPath)) as unknown as {
    data: Record<string, string>;
  };
  return Buffer.from(data[key] ?? '', 'base64').toString();
}

/** The Secret is whole, and every replica serves what is in it. */
async function repaired(replicas: Replicas, before: string): Promise<void> {
  await eventually('all serve another certificate', async () => {
    const certificate = await read(replicas, 'tls.crt');
    assert.notEqual(certificate, before);
    const { fingerprint256 } = new X509Certificate(certificate);
    assert.deepEqual(
      (await replicas.served()).filter((each) => each !== fingerprint256),
      [],
    );
  });
}

/** Runs the fault in a storm, and some creations before and after it. */
async function weather(
  context: TestContext,
  replicas: Replicas,
  fault: (storm: Storm) => Promise<void>,
): Promise<void> {
  const storm = replicas.storm();
  const more = async (): Promise<void> => {
    const goal = storm.created() + 3;
    await eventually('pods are created', async () => assert.ok(storm.created() >= goal));
  };
  await more();
  await fault(storm);
  await more();
  const refused = await storm.end();
  context.diagnostic(`${storm.created()} created, ${refused.length} refused`);
  assert.deepEqual(
    refused.filter((answer) => !wasUnderWay.test(answer)),
    [],
  );
}

/** What a process leaves behind that is killed while it answers; a certificate that is refused reads otherwise. */
const wasUnderWay = /: (?:EOF|read: connection reset by peer|unexpected EOF)/;

const replicas = await startReplicas(scene, api, {
  name: 'faults',
  times: TIMES,
  leaseTimes: LEASE_TIMES,
  skews: [0, 0],
});

const patch = (data: Readonly<Record<string, string | null>>): Promise<unknown> =>
  api.admin.expect('PATCH', replicas.secretPath, { data }, MERGE_PATCH);

const other = await generateCa(Date.now());
const stranger = generateServing(other, ['127.0.0.1'], Date.now());

const faults: Readonly<Record<string, () => Promise<unknown>>> = {
  deleted: () => api.admin.expect('DELETE', replicas.secretPath),
  'filled with garbage': () =>
    patch(
      Object.fromEntries(
        ['ca.crt', 'ca.key', 'ca-leaving', 'tls.crt', 'tls.key'].map((key) => [key, encode('garbage')]),
      ),
    ),
  emptied: () => patch({ 'ca.crt': '', 'ca.key': '', 'ca-leaving': '', 'tls.crt': '', 'tls.key': '' }),
  'given another CA and its certificate': () =>
    patch({
      'ca.crt': encode(other.certificate),
      'ca.key': encode(other.key),
      'tls.crt': encode(stranger.certificate),
      'tls.key': encode(stranger.key),
    }),
  'given a certificate of an unknown CA': async () => {
    const unknown = generateServing(await generateCa(Date.now()), ['127.0.0.1'], Date.now());
    return patch({ 'tls.crt': encode(unknown.certificate), 'tls.key': encode(unknown.key) });
  },
  'given the key of another certificate': () => patch({ 'tls.key': encode(stranger.key) }),
  'robbed of the key of its CA': () => patch({ 'ca.key': null }),
};

for (const [what, fault] of Object.entries(faults)) {
  test(`the Secret is ${what}`, (context) =>
    weather(context, replicas, async (storm) => {
      const before = await read(replicas, 'tls.crt');
      await fault();
      const during = storm.hurry();
      await repaired(replicas, before);
      assert.ok(during() > 0, 'a pod is created before it is repaired');
      context.diagnostic(`${during()} under way before it was repaired`);
    }));
}

for (const step of ['new-ca', 'publish', 'issue']) {
  test(`the leader is killed right after the step ${step} of a rotation`, (context) =>
    weather(context, replicas, async () => {
      const [before, leader] = [await read(replicas, 'tls.crt'), await replicas.leader()];
      const from = leader.position();
      await patch({ 'ca.key': null });
      await leader.says(`"step":"${step}"`, from);
      await replicas.kill(leader);
      await replicas.add();
      await repaired(replicas, before);
    }));
}

test('one clock is an hour ahead and one an hour behind, and both lead in their turn', async (context) => {
  const skewed = await startReplicas(scene, api, {
    name: 'skewed',
    // Shorter than what the clocks are wrong by: by its own clock each would find everything expired, or not begun.
    times: { caLife: 600_000, servingLife: 180_000, settle: SETTLE },
    leaseTimes: LEASE_TIMES,
    skews: [HOUR, -HOUR],
  });
  await weather(context, skewed, async () => {
    for (const skew of [HOUR, -HOUR]) {
      const [before, leader] = [await read(skewed, 'tls.crt'), await skewed.leader()];
      await api.admin.expect('PATCH', skewed.secretPath, { data: { 'ca.key': null } }, MERGE_PATCH);
      await repaired(skewed, before);
      await skewed.kill(leader);
      await skewed.add(skew);
    }
  });
  assert.ok(skewed.steps('new-ca') <= 3, 'and nothing is made that is not due');
});
