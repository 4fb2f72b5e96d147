/** Moving from consul-k8s to Tandem, step by step: every entry is there all the time, and nothing but its meta is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTandem } from '../../integration/cli/tandem-process.ts';
import { startAnswerProxy, writesOf } from '../harness/answer-proxy.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { tandemCheck, type Checked } from '../harness/tandem-check.ts';
import { startTandemSync, type TandemSync } from '../harness/tandem-sync.ts';
import { entryScene, type Entry } from './entry-scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const at = entryScene(api, consul);
const proxy = await startAnswerProxy(scene, consul.url);

const FINALIZER = 'finalizers.consul.hashicorp.com';
const JSON_PATCH = 'application/json-patch+json';
const META = { 'external-source': 'kubernetes', 'consul.hashicorp.com/source-datacenter': 'dc1' };
const COMMON = [`--kubeconfig=${api.kubeconfig()}`, `--consul-http-addr=${consul.url}`, '--owner=one'];

/** Objects of consul-k8s, and the entries that its controller made of them. */
const OBJECTS = [
  ['ServiceDefaults', 'web', { protocol: 'http' }, { Protocol: 'http' }],
  ['ServiceDefaults', 'api', { protocol: 'http' }, { Protocol: 'http' }],
  [
    'ServiceRouter',
    'web',
    { routes: [{ match: { http: { pathPrefix: '/api' } }, destination: { service: 'api' } }] },
    { Routes: [{ Match: { HTTP: { PathPrefix: '/api' } }, Destination: { Service: 'api' } }] },
  ],
  [
    'ServiceIntentions',
    'web',
    { destination: { name: 'web' }, sources: [{ name: 'api', action: 'allow' }] },
    { Sources: [{ Name: 'api', Action: 'allow' }] },
  ],
  [
    'Mesh',
    'mesh',
    { transparentProxy: { meshDestinationsOnly: true } },
    { TransparentProxy: { MeshDestinationsOnly: true } },
  ],
] as const;

async function entries(): Promise<readonly Entry[]> {
  return Promise.all(
    OBJECTS.map(
      async ([kind, name]) => (await at.entry(kind, name)) ?? assert.fail(`${kind} ${name} is gone`),
    ),
  );
}

/** What consul-k8s made, without what a write of the meta changes. */
function content(entry: Entry): object {
  const written = ['Meta', 'ModifyIndex', 'Hash'];
  return Object.fromEntries(Object.entries(entry).filter(([key]) => !written.includes(key)));
}

const check = (...flags: readonly string[]): Promise<Checked> =>
  tandemCheck([...COMMON, '--config-entries', '--account=all', ...flags]);
const start = (...flags: readonly string[]): Promise<TandemSync> =>
  startTandemSync(scene, api, proxy, [
    '--owner=one',
    '--to-consul=false',
    '--config-entries',
    '--leader-election=false',
    ...flags,
  ]);

const finalizers = [FINALIZER];
const webhooks = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

test('there is a consul-k8s', async () => {
  await at.installCrds();
  for (const { plural } of at.kinds) {
    const annotations = { 'meta.helm.sh/release-name': 'consul', 'helm.sh/resource-policy': null };
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.consul.hashicorp.com`;
    await api.admin.expect('PATCH', path, { metadata: { annotations } }, MERGE_PATCH);
  }
  for (const [kind, name, spec, fields] of OBJECTS) {
    await at.apply(kind, `default/${name}`, spec, { finalizers });
    const Name = kind === 'Mesh' ? {} : { Name: name };
    await at.put({ Kind: at.kindOf(kind).entryKind, ...Name, ...fields, Meta: META });
  }
  await api.admin.expect('POST', webhooks, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'consul-connect-injector' },
    webhooks: [
      {
        name: 'mutate-mesh.consul.hashicorp.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        clientConfig: { url: 'https://127.0.0.1:1/' },
        rules: [
          {
            apiGroups: ['consul.hashicorp.com'],
            apiVersions: ['v1alpha1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['meshes'],
          },
        ],
      },
    ],
  });
});

test('before anything: the plan only adopts, and the check names what has to be done first', async () => {
  const flags = [...COMMON, '--config-entries', '--default-sync=false'];
  const plan = await runTandem(['plan', ...flags, '--config-entries-adopt']);
  const lines = plan.stdout.split('\n').filter((line) => /^[-+~!.]/.test(line));
  assert.equal(lines.length, OBJECTS.length, plan.stdout);
  for (const line of lines) assert.match(line, /^~ adopt /);
  assert.match(plan.stdout, /^config entries: 0 to create, 0 to update, 5 to adopt, 0 to delete, /m);
  const said = (await check()).of('config-entries').join('\n');
  assert.match(
    said,
    /uninstalling consul deletes 13 CRDs.* → kubectl annotate crd .*helm\.sh\/resource-policy=keep/,
  );
  assert.match(said, /consul-connect-injector has webhooks for config entries/);
});

test('CRDs that are kept and webhooks that are gone leave nothing to do', async () => {
  for (const { plural } of at.kinds) {
    const annotations = { 'helm.sh/resource-policy': 'keep' };
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.consul.hashicorp.com`;
    await api.admin.expect('PATCH', path, { metadata: { annotations } }, MERGE_PATCH);
  }
  await api.admin.expect('DELETE', `${webhooks}/consul-connect-injector`);
  assert.deepEqual((await check()).of('config-entries'), [
    'ok: all 13 CRDs are established, of the Helm release consul',
    'ok: the datacenter dc1 keeps them, and answers',
  ]);
});

let sync: TandemSync;

test('the sync with adopt writes the meta of each entry and nothing else', async () => {
  const before = await entries();
  sync = await start('--config-entries-adopt');
  for (const [kind, name] of OBJECTS) await at.stands(kind, `default/${name}`, 'Synced');
  const after = await entries();
  // An entry that was ever gone would have another CreateIndex.
  assert.deepEqual(after.map(content), before.map(content));
  for (const { Meta } of after) assert.equal(Meta?.['tandem-owner'], 'one');
  assert.deepEqual(
    writesOf(proxy.requests()).map(({ method }) => method),
    OBJECTS.map(() => 'PUT'),
  );
});

test('with adopt, an object that is being deleted ends, its entry goes, and all others keep their finalizer', async () => {
  await at.remove('ServiceIntentions', 'default/web');
  await eventually('the object has ended', async () => {
    assert.equal(await at.object('ServiceIntentions', 'default/web'), undefined);
  });
  await at.hasNot('ServiceIntentions', 'web');
  for (const [kind, name] of OBJECTS.filter(([each]) => each !== 'ServiceIntentions'))
    assert.deepEqual(await at.finalizersOf(kind, `default/${name}`), finalizers);
});

test('consul-k8s is gone: without adopt nothing is written, and the check has the command for what hangs', async () => {
  await sync.process.stop();
  proxy.forget();
  sync = await start();
  await at.remove('ServiceRouter', 'default/web');
  await at.hasNot('ServiceRouter', 'web');
  assert.deepEqual(
    writesOf(proxy.requests())
      .filter(({ path }) => path.startsWith('/v1/config'))
      .map(({ method }) => method),
    ['DELETE'],
  );
  const [, said = ''] = (await check()).of('config-entries');
  const [, path = '', patch = ''] =
    /kubectl -n default patch (servicerouters\.consul\.hashicorp\.com web) --type=json -p '(.*)', or set --config-entries-adopt/.exec(
      said,
    ) ?? [];
  assert.notEqual(path, '', said);
  await api.admin.expect('PATCH', at.pathOf('ServiceRouter', 'default/web'), JSON.parse(patch), JSON_PATCH);
  assert.equal(await at.object('ServiceRouter', 'default/web'), undefined);
});

test('purged, no entry of the cluster is left, and those of others are', async () => {
  await sync.process.stop();
  await at.put({ Kind: 'service-defaults', Name: 'theirs', Protocol: 'tcp' });
  const purged = await runTandem(['sync', ...COMMON, '--purge=one', '--config-entries']);
  assert.equal(purged.code, 0, purged.stdout);
  assert.match(purged.stdout, /"removed":3,"left":0,"msg":"config entries are purged"/);
  const left = await Promise.all(['ServiceDefaults', 'Mesh'].map((kind) => at.entries(kind)));
  assert.deepEqual(
    left.flat().map(({ Name }) => Name),
    ['theirs'],
  );
});
