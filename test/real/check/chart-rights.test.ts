/** `tandem check` by the accounts that the chart makes: content with their rights, and each that is missing is named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { runInProcess } from '../../integration/cli/in-process.ts';
import { applier, partsOf } from '../chart/apply-objects.ts';
import { giveBack, haveAll, isPath, rightsOf, takeAway, type Right } from '../chart/role-rights.ts';
import { startApiServer } from '../harness/api-server.ts';
import { renderChart, type Rendered } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { tandemCheck, type Checked } from '../harness/tandem-check.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'helm']);
const api = await startApiServer(scene);
const consul = await startEmbeddedConsul();
scene.atEnd(() => consul.close());
await api.createNamespace('tandem');
await api.createNamespace('from-consul');
const isAll = process.env['TANDEM_EVERY_RIGHT'] !== undefined;
const off = { enabled: false };
// The webhook's right to a second configuration; those of the sync to thirteen kinds are in test/real/config-entries.
const withEntries = await renderChart({ client: off });
const chart = await renderChart({
  client: off,
  configEntries: off,
  syncCatalog: { toK8S: true, k8sWriteNamespace: 'from-consul', ingress: { enabled: true } },
});
const fromConsul = await renderChart({
  client: off,
  connectInject: off,
  global: { owner: 'one' },
  syncCatalog: { toK8S: true, toConsul: false, k8sWriteNamespace: 'from-consul' },
});

const apply = applier(api.admin);

async function install(release: Rendered): Promise<void> {
  await apply(partsOf(release, 'webhook', 'sync'));
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
  release: Rendered,
  flags: readonly string[],
): void {
  test(`${name}: the rights of the chart are all that is asked for`, async () => {
    await install(release);
    await haveAll(api, rightsOf(release, part));
    assert.match((await check(part, flags)).of('rights').join(), /^ok: all \d+ rules for /);
  });

  test(`${name}: each right that is missing is said, and no other`, async () => {
    const rights = rightsOf(release, part).filter((right) => !isPath(right));
    for (const missing of isAll ? rights.map((right) => [right]) : halvesOf(rights)) {
      await takeAway(api, missing);
      const said = (await check(part, flags)).of('rights').flatMap(rightsSaid);
      await giveBack(api, missing);
      const wanted = missing.map(({ role, verb, resource }) => `${verb} ${resource} by a ${role.kind}`);
      const isMissing = (right: string): boolean =>
        // What nobody gives everywhere is missing in each namespace.
        [right, right.replace('by a Role', 'by a ClusterRole')].some((each) => wanted.includes(each));
      assert.deepEqual(
        [wanted.filter((right) => !said.includes(right)), said.filter((right) => !isMissing(right))],
        [[], []],
      );
    }
  });
}

/** Every other one, and then the rest: each is missing once, and there once. */
function halvesOf(rights: readonly Right[]): readonly (readonly Right[])[] {
  return [0, 1].map((turn) => rights.filter((_, index) => index % 2 === turn));
}

/** The rights that a line of `tandem check` says are missing, and where it says to add them. */
function rightsSaid(line: string): readonly string[] {
  const said =
    /this account may not (?<verbs>\w+(?: or \w+)*) (?<resource>\S+)(?: in \S+)? → add .* to a (?<role>\w+) of it/;
  const { verbs = '', resource = line, role = '' } = said.exec(line)?.groups ?? {};
  return verbs.split(' or ').map((verb) => `${verb} ${resource} by a ${role}`);
}

// The smaller one first: nothing takes away what the other one adds.
eachIsNamed('the sync from Consul alone', 'sync', fromConsul, [
  '--to-consul=false',
  '--owner=one',
  ...TO_K8S,
]);
// Without agents pods are in dataplane mode, and without `global.owner` the webhook asks the cluster who it is.
eachIsNamed('the webhook', 'webhook', withEntries, ['--proxy-mode=dataplane', '--config-entries']);
eachIsNamed('the sync, all of it', 'sync', chart, ['--registrar', '--enable-ingress', ...TO_K8S]);

test('the account of the registrar can explain a pod; who may not list pods is told what to run instead', async () => {
  await install(chart);
  await haveAll(api, rightsOf(chart, 'sync'));
  const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'web' }] } };
  await api.admin.expect('POST', '/api/v1/namespaces/tandem/pods', pod);
  const explain = async (part: 'webhook' | 'sync', name: string) => {
    const token = await api.serviceAccountToken('tandem', `tandem-${part}`);
    const flags = [`--kubeconfig=${api.kubeconfig({ token })}`, `--consul-http-addr=${consul.url}`];
    return runInProcess(['explain', 'pod', `tandem/${name}`, ...flags]);
  };
  const { code, stdout, stderr } = await explain('sync', 'web');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Pod\/tandem\/web: not injected$/m);
  assert.match((await explain('sync', 'nope')).stderr, /there is no pod tandem\/nope/);
  const refused = await explain('webhook', 'web');
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /cannot read the pod tandem\/web .*; run tandem explain with an account that may get or list pods there, such as your own/,
  );
});

test('the webhook: its account sees its configuration, and is not told to ask for more', async () => {
  await install(chart);
  await haveAll(api, rightsOf(chart, 'webhook'));
  const said = (await check('webhook', ['--proxy-mode=dataplane'])).of('webhook');
  assert.match(said.join('\n'), /^ok: tandem-webhook has /);
});
