/** helm against the real API server: install, upgrade from any set of values to any other, uninstall. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { at, CHART, runHelm } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { valueSets } from './value-sets.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'helm']);
const api = await startApiServer(scene);
await api.createNamespace('mesh');
// Of the set that writes to another namespace.
await api.createNamespace('from-consul');
const kubeconfig = api.kubeconfig();
const CONFIGURATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tandem-webhook';

/** What helm prints, NOTES.txt at its end. */
function helm(verb: string, ...args: readonly string[]): Promise<string> {
  return runHelm([verb, 'tandem', ...args, '--namespace=mesh', `--kubeconfig=${kubeconfig}`]);
}

function valuesOf(set: string): string {
  const file = join(scene.folder, 'values.json');
  writeFileSync(file, JSON.stringify(valueSets[set]));
  return `--values=${file}`;
}

test('an installation tells the next three commands', async () => {
  const notes = await helm('install', CHART);
  assert.match(
    notes,
    /3 Consul servers, a Consul agent on every node, the webhook \(agent mode\), the catalog sync, the registrar, as release/,
  );
  assert.match(notes, /global\.owner is empty/);
  assert.match(notes, /helm test tandem --namespace mesh/);
  assert.match(notes, /kubectl label namespace <namespace> consul\.hashicorp\.com\/connect-inject=true/);
  assert.match(notes, /kubectl --namespace mesh exec tandem-server-0 -- consul catalog services/);
  assert.doesNotMatch(notes, /NOT READY/);
});

test('the bundle that the webhook published survives an upgrade', async () => {
  const caBundle = Buffer.from('CA').toString('base64');
  const { webhooks } = (await api.admin.expect('GET', CONFIGURATION)) as unknown as {
    readonly webhooks: readonly { readonly clientConfig: object }[];
  };
  const published = webhooks.map((each) => ({ ...each, clientConfig: { ...each.clientConfig, caBundle } }));
  await api.admin.expect('PATCH', CONFIGURATION, { webhooks: published }, MERGE_PATCH);
  await helm('upgrade', CHART, '--set=connectInject.timeoutSeconds=9');
  const after = await api.admin.expect('GET', CONFIGURATION);
  for (const index of [0, 1]) {
    assert.equal(at(after, 'webhooks', index, 'timeoutSeconds'), 9);
    assert.equal(at(after, 'webhooks', index, 'clientConfig', 'caBundle'), caBundle);
  }
});

for (const set of Object.keys(valueSets))
  test(`an upgrade to: ${set}`, async () => {
    assert.match(await helm('upgrade', CHART, valuesOf(set)), /STATUS: deployed/);
  });

test('notes warn of what does not work yet', async () => {
  const external = await helm(
    'upgrade',
    CHART,
    valuesOf('the sync alone, with an external cluster over TLS'),
  );
  assert.match(external, /open http:\/\/localhost:8081/);
  const agents = ['--set=connectInject.proxyMode=agent', '--set=client.enabled=false'];
  const set = ['--set=connectInject.certs.secretName=x', ...agents];
  const notes = await helm('upgrade', CHART, ...set);
  assert.match(notes, /NOT READY: the API server does not trust the webhook yet/);
  assert.match(notes, /this release starts none: client\.enabled is off/);
});

test('notes tell the mode of the pods, and where the Services of Consul are', async () => {
  const set = ['--set=client.enabled=false', '--set=syncCatalog.toK8S=true'];
  const notes = await helm('upgrade', CHART, ...set);
  assert.match(notes, /the webhook \(dataplane mode\), the catalog sync in both directions, the registrar,/);
  assert.match(
    notes,
    /become Services in namespace mesh, beside those of this release; another one is better/,
  );
  assert.doesNotMatch(notes, /client\.enabled is off|global\.owner is empty/);
});

test('an uninstallation leaves nothing that was rendered', async () => {
  await helm('uninstall');
  for (const path of [
    CONFIGURATION,
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/tandem-sync',
    '/apis/apps/v1/namespaces/mesh/deployments/tandem-webhook',
  ])
    assert.equal((await api.admin.request('GET', path)).status, 404, path);
});
