/** Two replicas with the arguments and the rights of deploy/manifests: what they share, and what a restart changes. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { property } from '../../../src/support/json.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startBalancer } from '../harness/balancer.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import type { RunningProcess } from '../harness/processes.ts';
import { startScene } from '../harness/scene.ts';
import { applyManifests, CONFIGURATION, startReplica } from '../harness/shipped-manifests.ts';
import { TANDEM } from '../harness/tandem-program.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl']);
const api = await startApiServer(scene);
const balancer = await startBalancer(scene);
const [portA = 0, statusA = 0, portB = 0, statusB = 0] = await freePorts(4);
const SECRET = '/api/v1/namespaces/tandem/secrets/tandem-webhook-tls';

await applyManifests(api, balancer.port);
await api.createNamespace('shop');
const token = await api.serviceAccountToken('tandem', 'tandem-webhook');
const start = (port: number, status: number): Promise<RunningProcess> =>
  startReplica(scene, { port, status, kubeconfig: api.kubeconfig({ token }), flags: ['--log-level=debug'] });
let replicas: readonly RunningProcess[] = await Promise.all([start(portA, statusA), start(portB, statusB)]);
balancer.target([portA, portB]);

async function servedBy(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const found = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
  socket.destroy();
  return found;
}

const secret = async () => {
  const { metadata, data } = (await api.admin.expect('GET', SECRET)) as unknown as {
    metadata: { resourceVersion: string };
    data: Record<string, string>;
  };
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
  return { version: metadata.resourceVersion, text };
};

const bundles = async (): Promise<readonly string[]> => {
  const { webhooks } = (await api.admin.expect('GET', CONFIGURATION)) as unknown as {
    webhooks: { clientConfig: { caBundle: string } }[];
  };
  return webhooks.map(({ clientConfig }) => Buffer.from(clientConfig.caBundle, 'base64').toString());
};

/** By a connection with a new handshake; one that was just cut may still be in use, so a refusal is tried again. */
async function inject(name: string): Promise<void> {
  balancer.cut();
  await eventually(`${name} is injected`, async () => {
    const created = await api.admin.expect('POST', '/api/v1/namespaces/shop/pods', {
      metadata: { name, annotations: { 'consul.hashicorp.com/connect-inject': 'true' } },
      spec: { containers: [{ name: 'web', image: 'example/web' }] },
    });
    const { annotations } = created.metadata;
    assert.equal(annotations?.['consul.hashicorp.com/connect-inject-status'], 'injected');
  });
}

test('both replicas serve the certificate of the Secret, and its CA is in every entry', async () => {
  const { text } = await secret();
  const serving = new X509Certificate(text('tls.crt'));
  const served = await Promise.all([portA, portB].map(servedBy));
  assert.deepEqual(served, [serving.fingerprint256, serving.fingerprint256]);
  assert.deepEqual([...new Set(await bundles())], [text('ca.crt')]);
  for (const host of [
    'tandem-webhook',
    'tandem-webhook.tandem',
    'tandem-webhook.tandem.svc',
    'tandem-webhook.tandem.svc.cluster.local',
  ])
    assert.equal(serving.checkHost(host), host);
  for (const name of ['first', 'second', 'third']) await inject(name);
});

test('a restart of both changes nothing', async () => {
  const before = { ...(await secret()), bundles: await bundles() };
  for (const [index, [port, status]] of [
    [portA, statusA],
    [portB, statusB],
  ].entries()) {
    await replicas[index]?.stop();
    replicas = replicas.with(index, await start(port ?? 0, status ?? 0));
  }
  await inject('restarted');
  assert.equal((await secret()).version, before.version);
  assert.deepEqual(await bundles(), before.bundles);
});

test('a bundle that was emptied is put back', async () => {
  const before = await bundles();
  const patch = [{ op: 'remove', path: '/webhooks/1/clientConfig/caBundle' }];
  await api.admin.expect('PATCH', CONFIGURATION, patch, 'application/json-patch+json');
  await eventually('the bundle is back', async () => assert.deepEqual(await bundles(), before));
  await inject('repaired');
});

test('neither log nor metrics nor arguments hold a key', async () => {
  const { text } = await secret();
  for (const key of ['ca.key', 'tls.key']) {
    const [, line = ''] = text(key).split('\n');
    assert.ok(line.length > 40);
    for (const replica of replicas) assert.ok(!replica.log().includes(line));
  }
  const metrics = await (await fetch(`http://127.0.0.1:${statusA}/metrics`)).text();
  assert.doesNotMatch(metrics, /PRIVATE KEY/);
  assert.match(metrics, /tandem_certificate_expiry_timestamp_seconds 1\.?\d+/);
  assert.ok(replicas.every((replica) => !/PRIVATE KEY/.test(replica.log())));
  assert.equal(property(await api.admin.expect('GET', SECRET), 'type'), 'kubernetes.io/tls');
});

test('tandem certs writes to a Secret, and to one that is there only when it is told to', async () => {
  const run = async (...flags: readonly string[]): Promise<{ code: number | null; log: string }> => {
    const certs = await scene.start({
      name: 'tandem certs',
      command: process.execPath,
      args: [TANDEM, 'certs', '--secret=tandem/by-hand', `--kubeconfig=${api.kubeconfig()}`, ...flags],
    });
    const { code } = await certs.exited;
    return { code, log: certs.log() };
  };
  assert.equal((await run()).code, 0);
  const again = await run();
  assert.deepEqual([again.code, /already exists; --force/.test(again.log)], [1, true]);
  assert.equal((await run('--force')).code, 0);
  const { data } = (await api.admin.expect(
    'GET',
    '/api/v1/namespaces/tandem/secrets/by-hand',
  )) as unknown as {
    data: Record<string, string>;
  };
  const pem = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
  const serving = new X509Certificate(pem('tls.crt'));
  assert.ok(serving.verify(new X509Certificate(pem('ca.crt')).publicKey));
  assert.ok(serving.checkPrivateKey(createPrivateKey(pem('tls.key'))));
});
