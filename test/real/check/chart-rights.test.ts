/** `tandem check` by the accounts that the chart makes: content with their rights, and each that is missing is named. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startEmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { giveBack, haveAll, rightsOf, takeAway } from '../chart/role-rights.ts';
import { startApiServer } from '../harness/api-server.ts';
import { renderChart } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { runKubectl } from '../harness/shipped-manifests.ts';
import { tandemCheck, type Checked } from '../harness/tandem-check.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl', 'helm']);
const api = await startApiServer(scene);
const consul = await startEmbeddedConsul();
scene.atEnd(() => consul.close());
await api.createNamespace('tandem');
await api.createNamespace('from-consul');
const off = { enabled: false };
const chart = await renderChart({
  client: off,
  syncCatalog: { toK8S: true, k8sWriteNamespace: 'from-consul', ingress: { enabled: true } },
});
const fromConsul = await renderChart({
  client: off,
  connectInject: off,
  global: { owner: 'one' },
  syncCatalog: { toK8S: true, toConsul: false, k8sWriteNamespace: 'from-consul' },
});

async function install({ text }: { readonly text: string }): Promise<void> {
  const file = join(scene.folder, 'rendered.yaml');
  writeFileSync(file, text);
  const parts = '--selector=app.kubernetes.io/component in (webhook, sync)';
  await runKubectl(api, ['apply', `--filename=${file}`, parts]);
}

async function check(part: 'webhook' | 'sync', flags: readonly string[]): Promise<Checked> {
  const token = await api.serviceAccountToken('tandem', `tandem-${part}`);
  return tandemCheck([
    `--account=${part}`,
    `--kubeconfig=${api.kubeconfig({ token })}`,
    `--consul-http-addr=${consul.url}`,
    '--lease-namespace=tandem',
    ...flags,
  ]);
}

const TO_K8S = ['--to-k8s', '--k8s-write-namespace=from-consul'];

function eachIsNamed(
  name: string,
  part: 'webhook' | 'sync',
  release: typeof chart,
  flags: readonly string[],
): void {
  test(`${name}: the rights of the chart are all that is asked for`, async () => {
    await install(release);
    await haveAll(api, rightsOf(release, part));
    assert.match((await check(part, flags)).of('rights').join(), /^ok: all \d+ rules for /);
  });

  for (const right of rightsOf(release, part)) {
    const { role, verb, resource } = right;
    // What the ClusterRole gives everywhere, the Role need not give again.
    if (release === chart && role.kind === 'Role' && ['list', 'watch'].includes(verb) && part === 'sync')
      continue;
    test(`${name}: that ${verb} on ${resource} is missing in ${role.metadata.name} is said`, async () => {
      await takeAway(api, right);
      const said = (await check(part, flags)).of('rights');
      await giveBack(api, right);
      assert.match(said[0] ?? '', new RegExp(`this account may not ${verb} ${resource}.* → add `));
      assert.match(said[0] ?? '', new RegExp(`to a ${role.kind} of it`));
    });
  }
}

// The smaller one first: nothing takes away what the other one adds.
eachIsNamed('the sync from Consul alone', 'sync', fromConsul, [
  '--to-consul=false',
  '--owner=one',
  ...TO_K8S,
]);
// Without agents pods are in dataplane mode, and without `global.owner` the webhook asks the cluster who it is.
eachIsNamed('the webhook', 'webhook', chart, ['--proxy-mode=dataplane']);
eachIsNamed('the sync, all of it', 'sync', chart, ['--registrar', '--enable-ingress', ...TO_K8S]);

test('the webhook: its account sees its configuration, and is not told to ask for more', async () => {
  await install(chart);
  await haveAll(api, rightsOf(chart, 'webhook'));
  const said = (await check('webhook', ['--proxy-mode=dataplane'])).of('webhook');
  assert.match(said.join('\n'), /^ok: tandem-webhook has /);
});
