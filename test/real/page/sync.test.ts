/** The page of a real `tandem sync` between a real cluster and a real Consul: both directions, the pods, and when Consul is gone. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startChromium, type Page } from '../harness/chromium.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync, type TandemSync } from '../harness/tandem-sync.ts';
import { podOf } from '../mesh/mesh.ts';
import { NAMESPACE, startToK8sScene } from '../to-k8s/write-namespace.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'chromium']);
const { api, consul, register } = await startToK8sScene(scene);
const cluster = clusterObjects(api);
let sync: TandemSync;
let page: Page;

before(async () => {
  await cluster.service('web', { ports: [{ port: 80 }] });
  await cluster.endpoints('web', 8080, [{ address: '10.20.0.1' }]);
  await register('machines', [{ address: '10.30.0.2' }, { address: '10.30.0.3' }]);
  // With the label of an injected pod, and not injected by Tandem.
  const stranger = podOf('stranger', {}, { image: 'example/app' });
  const labels = { 'consul.hashicorp.com/connect-inject-status': 'injected' };
  const account = { metadata: { name: 'default' }, automountServiceAccountToken: false };
  await api.admin.expect('POST', '/api/v1/namespaces/default/serviceaccounts', account);
  await api.admin.expect('POST', '/api/v1/namespaces/default/pods', {
    ...stranger,
    metadata: { ...stranger.metadata, labels },
  });
  const flags = ['--to-k8s', '--registrar', `--k8s-write-namespace=${NAMESPACE}`, '--owner=c1'];
  sync = await startTandemSync(scene, api, consul, flags);
  const browser = await startChromium(scene.start, scene.folder);
  page = await browser.page();
  await page.go(`${sync.url}/`);
});

/** The text of the row of that name in that table. */
function rowOf(table: string, name: string): string {
  return `[...document.querySelectorAll('#${table} tbody tr')].find((row) => row.cells[0].textContent === '${name}')?.innerText`;
}

test('both directions and the pods are there, with what is left out and why', async () => {
  await page.until(`/Synced[^]*1[^]*default-on/.test(${rowOf('services', 'default/web')})`);
  await page.until(`/Left out[^]*kubernetes-api/.test(${rowOf('services', 'default/kubernetes')})`);
  await page.until(`/Synced[^]*${NAMESPACE}.machines[^]*2/.test(${rowOf('from-consul', 'machines')})`);
  await page.until(`/Left out[^]*consul-itself/.test(${rowOf('from-consul', 'consul')})`);
  await page.until(`/Left out[^]*from-/.test(${rowOf('from-consul', 'web')})`);
  await page.until(`/Left out[^]*Problem[^]*recreate the pod/.test(${rowOf('pods', 'default/stranger')})`);
  const verdict = await page.until<string>(
    `/^In sync/.test(document.getElementById('verdict').innerText) && document.querySelector('.verdict').innerText`,
  );
  assert.match(verdict, /1 pod has a problem: default\/stranger/);
});

test('when Consul is gone the verdict says so, since when and what to do, and it ends with Consul back', async () => {
  await consul.process().stop('SIGKILL');
  await cluster.service('late', { ports: [{ port: 80 }] });
  const verdict = await page.until<string>(
    `/Kubernetes to Consul fails/.test(document.querySelector('.verdict').innerText) && document.querySelector('.verdict').innerText`,
  );
  assert.match(verdict, /^Not in sync[^]*since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC[^]*tandem check/);
  await consul.start();
  await page.until(`/^In sync/.test(document.getElementById('verdict').innerText)`);
  assert.deepEqual(page.complaints(), []);
});
