/** `tandem discover` against a real API server, whose pods are what a kubelet would write. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runInProcess } from '../../integration/cli/in-process.ts';
import { runTandem, type Finished } from '../../integration/cli/tandem-process.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startScene } from '../harness/scene.ts';
import { running, serverPods } from '../harness/server-pods.ts';

const scene = await startScene(['etcd', 'kube-apiserver']);
const api = await startApiServer(scene);
await api.admin.request('POST', '/api/v1/namespaces/default/serviceaccounts', {
  metadata: { name: 'default' },
});
await api.createNamespace('consul');
const kubeconfig = api.kubeconfig();

async function discover(text: string, environment: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return runInProcess(['discover', text], '', environment);
}

const pods = serverPods(api, 'consul');
const SERVER = { app: 'consul', component: 'server' };
const AUTO_JOIN_PORT = 'consul.hashicorp.com/auto-join-port';
await pods.create('a-plain', { labels: SERVER }, running('10.0.0.1'));
await pods.create(
  'b-number',
  { labels: SERVER, annotations: { [AUTO_JOIN_PORT]: '8301' } },
  running('10.0.0.2'),
);
await pods.create(
  'c-name',
  {
    labels: SERVER,
    annotations: { [AUTO_JOIN_PORT]: 'serf' },
    ports: [{ name: 'serf', containerPort: 8301, hostPort: 18_301, protocol: 'TCP' }],
  },
  { ...running('10.0.0.3'), hostIP: '192.0.2.3', hostIPs: [{ ip: '192.0.2.3' }] },
);
await pods.create('d-unready', { labels: SERVER }, running('10.0.0.4', 'False'));
await pods.create('e-pending', { labels: SERVER }, { phase: 'Pending' });
await pods.create(
  'f-bad',
  { labels: SERVER, annotations: { [AUTO_JOIN_PORT]: 'nope' } },
  running('10.0.0.6'),
);
await pods.create('g-six', { labels: SERVER, annotations: { [AUTO_JOIN_PORT]: '8301' } }, running('fd00::7'));
await pods.create('h-other', { labels: { app: 'web' } }, running('10.0.0.8'));
await serverPods(api).create('elsewhere', {}, running('10.0.0.9'));

test('the addresses of the pods that run and are ready, a line each; a bad port is a warning', async () => {
  const found = await discover(
    `provider=k8s kubeconfig=${kubeconfig} namespace=consul label_selector="app=consul,component=server"`,
  );
  assert.equal(found.stdout, '10.0.0.1\n10.0.0.2:8301\n10.0.0.3:8301\n[fd00::7]:8301\n');
  assert.match(found.stderr, /^warning: pod consul\/f-bad is left out: [^\n]*"nope"[^\n]*\n$/);
  assert.equal(found.code, 0);
});

test('without selectors every pod of the namespace, which is `default` unless told', async () => {
  const all = await discover(`provider=k8s kubeconfig=${kubeconfig} namespace=consul`);
  assert.match(all.stdout, /^10\.0\.0\.8$/m);
  const unnamed = await discover(`provider = k8s kubeconfig = "${kubeconfig}"`);
  assert.deepEqual([unnamed.stdout, unnamed.stderr, unnamed.code], ['10.0.0.9\n', '', 0]);
});

test('field_selector and label_selector narrow together', async () => {
  const found = await discover(
    `provider=k8s kubeconfig=${kubeconfig} namespace=consul label_selector="app=consul" field_selector="metadata.name=b-number"`,
  );
  assert.equal(found.stdout, '10.0.0.2:8301\n');
});

test('host_network: the address of the host and the host port', async () => {
  const found = await discover(
    `provider=k8s kubeconfig=${kubeconfig} namespace=consul host_network=true label_selector="app=consul"`,
  );
  assert.deepEqual([found.stdout, found.code], ['192.0.2.3:18301\n', 0]);
});

test('without kubeconfig= it is KUBECONFIG, else ~/.kube/config', async () => {
  const home = join(scene.folder, 'person');
  mkdirSync(join(home, '.kube'), { recursive: true });
  copyFileSync(kubeconfig, join(home, '.kube', 'config'));
  const missing = join(scene.folder, 'missing');
  assert.equal(
    (await discover('provider=k8s', { KUBECONFIG: kubeconfig, HOME: missing })).stdout,
    '10.0.0.9\n',
  );
  assert.equal((await discover('provider=k8s', { HOME: home })).stdout, '10.0.0.9\n');
  const both = await discover(`provider=k8s kubeconfig=${kubeconfig}`, {
    KUBECONFIG: missing,
    HOME: missing,
  });
  assert.equal(both.stdout, '10.0.0.9\n');
});

test('a kubeconfig= that cannot be read is an error, whatever else there is', async () => {
  const found = await discover('provider=k8s kubeconfig=/nowhere/config', { KUBECONFIG: kubeconfig });
  assert.deepEqual([found.stdout, found.code], ['', 1]);
  assert.match(found.stderr, /^tandem discover: kubeconfig \/nowhere\/config: /);
});

test('no cluster, no right, a refused selector: one line that says so', async () => {
  const nowhere = await discover('provider=k8s', { HOME: scene.folder });
  assert.deepEqual([nowhere.stdout, nowhere.code], ['', 1]);
  assert.match(nowhere.stderr, /no cluster/);
  const stranger = api.kubeconfig({ token: await api.serviceAccountToken('consul', 'default') });
  const denied = await discover(`provider=k8s kubeconfig=${stranger}`);
  assert.equal(denied.code, 1);
  assert.match(denied.stderr, /^tandem discover: GET [^\n]*pods: status 403, "pods is forbidden[^\n]*\n$/);
  const refused = await discover(`provider=k8s kubeconfig=${kubeconfig} label_selector="a in"`);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /400/);
});

test('a broken string is wrong usage, and so is none', async () => {
  for (const [text, problem] of [
    ['provider=k8s label_selector=app=consul', /^tandem discover: label_selector: a value with "="/],
    ['provider=aws', /^tandem discover: provider: "aws" is unknown/],
  ] as const) {
    const found = await discover(text);
    assert.deepEqual([found.stdout, found.code], ['', 2]);
    assert.match(found.stderr, problem);
  }
  assert.equal((await runTandem(['discover'])).code, 2);
});
