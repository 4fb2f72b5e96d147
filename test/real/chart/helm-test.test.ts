/**
 * The chart as it would run: its objects are in the real API server, its pods run as processes with the rights of their
 * accounts, and the pods of `helm test` succeed; each fails when what it proves is not so.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { JSON_PATCH, type KubernetesObject } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { at, renderChart } from '../harness/chart.ts';
import { startConsul } from '../harness/consul.ts';
import type { Image } from '../harness/containers.ts';
import { eventually } from '../harness/eventually.ts';
import { runPod, type RunningPod } from '../harness/kubelet.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { ROOT, runKubectl } from '../harness/shipped-manifests.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl', 'consul', 'helm']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, { acls: true })]);
const [https = 0, webhookStatus = 0, syncStatus = 0] = await freePorts(3);
const BINARY = join(ROOT, 'bin/tandem.js');
const certs = join(scene.folder, 'certs');

const chart = await renderChart({
  global: { enabled: false },
  externalServers: { enabled: true, hosts: ['127.0.0.1'], httpPort: consul.ports.http },
  connectInject: { enabled: true, certs: { secretName: 'tandem-webhook-tls' } },
  syncCatalog: { enabled: true, aclSyncToken: { secretName: 'consul-token' } },
});
await api.createNamespace('tandem', { 'pod-security.kubernetes.io/enforce': 'restricted' });
// The controller manager would make it.
await api.admin.expect('POST', '/api/v1/namespaces/default/serviceaccounts', {
  metadata: { name: 'default' },
});
await promisify(execFile)(process.execPath, [BINARY, 'certs', `--dir=${certs}`, '--hosts=127.0.0.1']);
await secret('tandem-webhook-tls', {
  'tls.crt': readFileSync(join(certs, 'tls.crt'), 'utf8'),
  'tls.key': readFileSync(join(certs, 'tls.key'), 'utf8'),
});
await secret('consul-token', { token: await syncToken() });
const file = join(scene.folder, 'rendered.yaml');
writeFileSync(file, chart.text);
await runKubectl(api, ['apply', `--filename=${file}`, '--selector=app.kubernetes.io/component!=test']);
await webhookOnLoopback();
await Promise.all([
  runWorkload('tandem-webhook', { TANDEM_LISTEN: `127.0.0.1:${https}` }, webhookStatus),
  runWorkload('tandem-sync', { TANDEM_KUBECONFIG: await kubeconfigOf('tandem-sync') }, syncStatus),
]);
await runKubectl(api, ['apply', `--filename=${file}`, '--selector=app.kubernetes.io/component=test']);

/** With the rights that docs/install.md asks for, and no others. */
async function syncToken(): Promise<string> {
  const [, Rules] = /```hcl\n([^`]*)```/.exec(readFileSync(join(ROOT, 'docs/install.md'), 'utf8')) ?? [];
  await consul.call('PUT', '/v1/acl/policy', { Name: 'sync', Rules });
  const created = await consul.call('PUT', '/v1/acl/token', { Policies: [{ Name: 'sync' }] });
  return String(at(created, 'SecretID'));
}

function secret(name: string, stringData: Readonly<Record<string, string>>): Promise<KubernetesObject> {
  return api.admin.expect('POST', '/api/v1/namespaces/tandem/secrets', { metadata: { name }, stringData });
}

async function kubeconfigOf(account: string): Promise<string> {
  return api.kubeconfig({ token: await api.serviceAccountToken('tandem', account) });
}

/** The API server has no network of Services. */
async function webhookOnLoopback(): Promise<void> {
  const configuration = chart.one('MutatingWebhookConfiguration', 'tandem-webhook');
  const caBundle = readFileSync(join(certs, 'ca.crt')).toString('base64');
  const patch = (configuration['webhooks'] as readonly object[]).map((webhook, index) => ({
    op: 'replace',
    path: `/webhooks/${index}/clientConfig`,
    value: {
      url: `https://127.0.0.1:${https}${String(at(webhook, 'clientConfig', 'service', 'path'))}`,
      caBundle,
    },
  }));
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tandem-webhook';
  await api.admin.expect('PATCH', path, patch, JSON_PATCH);
}

/** A pod of the Deployment, and the wait for its readiness. */
async function runWorkload(
  name: string,
  variables: Readonly<Record<string, string>>,
  port: number,
): Promise<void> {
  const template = at(chart.one('Deployment', name), 'spec', 'template') as KubernetesObject;
  const image: Image = {
    entrypoint: [process.execPath, BINARY],
    environment: { ...variables, TANDEM_STATUS_LISTEN: `127.0.0.1:${port}` },
  };
  const created = await api.admin.expect('POST', '/api/v1/namespaces/tandem/pods', {
    metadata: { ...template.metadata, generateName: `${name}-` },
    spec: template['spec'],
  });
  await runPod(scene, api, created, { tandem: image });
  await eventually(`${name} is ready`, async () => {
    assert.equal((await fetch(`http://127.0.0.1:${port}/health/ready`)).status, 200);
  });
}

/** A pod of `helm test`, as a kubelet runs it; the variables are those that it gives to every container. */
async function runTest(name: string, variables: Readonly<Record<string, string>> = {}): Promise<RunningPod> {
  const created = await api.admin.expect('GET', `/api/v1/namespaces/tandem/pods/${name}`);
  const { hostname, port } = new URL(api.url);
  const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, ...variables };
  return runPod(scene, api, created, { tandem: { programs: { node: [process.execPath] }, environment } });
}

test('helm test proves the injection', async () => {
  const run = (await runTest('tandem-test-injection')).container('test');
  assert.equal((await run.exited).code, 0, run.log());
  assert.match(run.log(), /^a pod in namespace default gets its sidecar$/m);
});

test('helm test proves the sync, and leaves nothing behind', async () => {
  const run = (await runTest('tandem-test-sync')).container('test');
  assert.equal((await run.exited).code, 0, run.log());
  assert.match(run.log(), /^the Service default\/tandem-test-\S+ came to Consul, and went again$/m);
  const { items } = (await api.admin.expect('GET', '/api/v1/namespaces/default/services')) as unknown as {
    readonly items: readonly KubernetesObject[];
  };
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['kubernetes'],
  );
});

test('the test of the injection fails when nothing is injected', async () => {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tandem-webhook';
  await api.admin.expect('DELETE', path);
  await eventually('the API server forgets the webhook', async () => {
    const pod = await api.admin.expect('GET', '/api/v1/namespaces/tandem/pods/tandem-test-injection');
    const again = { metadata: { name: 'again' }, spec: { ...(pod['spec'] as object), nodeName: undefined } };
    await api.admin.request('DELETE', '/api/v1/namespaces/tandem/pods/again?gracePeriodSeconds=0');
    const created = await api.admin.expect('POST', '/api/v1/namespaces/tandem/pods', again);
    assert.ok(created);
    const run = (await runTest('again')).container('test');
    assert.equal((await run.exited).code, 1);
    assert.match(run.log(), /no sidecar: connect-inject-status is undefined/);
  });
});
