/** The manifests applied again over a configuration into which the webhook has written its CA: the CA stays, or comes back. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { asString } from '../../../src/support/json.ts';
import { startApiServer } from '../harness/api-server.ts';
import { at } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { CONFIGURATION, ROOT, runKubectl, startReplica } from '../harness/shipped-manifests.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl']);
const api = await startApiServer(scene);
const [port = 0, status = 0] = await freePorts(2);
await runKubectl(api, ['apply', '-k', 'deploy/manifests']);
const token = await api.serviceAccountToken('tandem', 'tandem-webhook');
await startReplica(scene, { port, status, kubeconfig: api.kubeconfig({ token }) });

type Seen = { readonly version: string; readonly bundles: readonly string[]; readonly timeout: unknown };

async function look(): Promise<Seen> {
  return seen(await api.admin.expect('GET', CONFIGURATION));
}

function seen(configuration: unknown): Seen {
  const webhooks = at(configuration, 'webhooks') as readonly unknown[];
  return {
    version: String(at(configuration, 'metadata', 'resourceVersion')),
    bundles: webhooks.map((webhook) => asString(at(webhook, 'clientConfig', 'caBundle')) ?? ''),
    timeout: at(webhooks[0], 'timeoutSeconds'),
  };
}

const { bundles: published } = await look();

/** Every version of the configuration after this one, in order. */
async function versionsAfter({ version }: Seen): Promise<readonly Seen[]> {
  const collection = CONFIGURATION.slice(0, CONFIGURATION.lastIndexOf('/'));
  // The API server ends the watch when it has told what was until then, a second later.
  const query = `watch=true&resourceVersion=${version}&timeoutSeconds=1`;
  const { body } = await api.admin.request('GET', `${collection}?${query}`);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => seen(at(JSON.parse(line), 'object')));
}

/** The manifests with another timeout, as an overlay: a folder for -k. */
function overlay(timeoutSeconds: number): string {
  const folder = join(scene.folder, `overlay-${timeoutSeconds}`);
  mkdirSync(folder);
  const patch = [0, 1].map((index) => ({
    op: 'replace',
    path: `/webhooks/${index}/timeoutSeconds`,
    value: timeoutSeconds,
  }));
  const kustomization = {
    resources: [relative(folder, join(ROOT, 'deploy/manifests'))],
    patches: [{ target: { kind: 'MutatingWebhookConfiguration' }, patch: JSON.stringify(patch) }],
  };
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  return folder;
}

test('the webhook has published its CA in every entry', () => {
  assert.equal(new Set(published).size, 1);
  assert.match(Buffer.from(published[0] ?? '', 'base64').toString(), /BEGIN CERTIFICATE/);
});

for (const [name, folder, flags, timeout] of [
  ['as they are', 'deploy/manifests', [], 5],
  ['with an entry changed', overlay(7), [], 7],
  ['by the API server', 'deploy/manifests', ['--server-side', '--force-conflicts'], 5],
  ['by the API server, with an entry changed', overlay(8), ['--server-side', '--force-conflicts'], 8],
] as const)
  test(`applied again ${name}, no version of the configuration is without the CA`, async () => {
    const before = await look();
    await runKubectl(api, ['apply', ...flags, '-k', folder]);
    assert.equal((await look()).timeout, timeout);
    const versions = await versionsAfter(before);
    if (timeout !== before.timeout) assert.equal(versions.at(-1)?.timeout, timeout);
    for (const each of versions) assert.deepEqual(each.bundles, published);
    assert.deepEqual((await look()).bundles, published);
  });

test('replaced, the CA is gone, and the webhook puts it back at once', async (context) => {
  const before = await look();
  await runKubectl(api, ['replace', '-k', 'deploy/manifests']);
  const begin = performance.now();
  await eventually('the CA', async () => assert.deepEqual((await look()).bundles, published));
  context.diagnostic(`there again at most ${Math.round(performance.now() - begin)} ms after kubectl ended`);
  const [replaced, ...after] = await versionsAfter(before);
  assert.ok(
    replaced?.bundles.every((bundle) => bundle === ''),
    'replaced',
  );
  assert.deepEqual(
    after.map(({ bundles }) => bundles),
    [published],
  );
});
