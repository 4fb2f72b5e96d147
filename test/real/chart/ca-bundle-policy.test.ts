/** What the account of the webhook may change of its webhook configuration, asked of the real API server: caBundle. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { property } from '../../../src/support/json.ts';
import { JSON_PATCH, MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { at, CHART, renderChart, runHelm, WITHOUT_CRDS } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'helm']);
const api = await startApiServer(scene);
await api.createNamespace('mesh');
const kubeconfig = api.kubeconfig();
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const CONFIGURATION = `${CONFIGURATIONS}/tandem-webhook`;

function helm(verb: string, ...args: readonly string[]): Promise<string> {
  // `accepted` has it validated.
  const flags = verb === 'uninstall' ? [] : ['--disable-openapi-validation', WITHOUT_CRDS];
  return runHelm([verb, 'tandem', ...args, ...flags, '--namespace=mesh', `--kubeconfig=${kubeconfig}`]);
}

await helm('install', CHART);
// More than the chart gives, so that what is refused is refused by the policy.
await api.admin.expect('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', {
  metadata: { name: 'too-much' },
  rules: [
    {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations'],
      verbs: ['*'],
    },
  ],
});
await api.admin.expect('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
  metadata: { name: 'too-much' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'too-much' },
  subjects: [{ kind: 'ServiceAccount', name: 'tandem-webhook', namespace: 'mesh' }],
});
const account = await api.asServiceAccount('mesh', 'tandem-webhook');

type Operation = { readonly op: string; readonly path: string; readonly value?: unknown };

async function patched(...operations: readonly Operation[]): Promise<string> {
  const { status, body } = await account.request('PATCH', CONFIGURATION, operations, JSON_PATCH);
  return status === 200 ? 'taken' : `${status} ${String(property(body, 'message'))}`;
}

const bundle = (text: string): string => Buffer.from(text).toString('base64');
const publish = (text: string): readonly Operation[] =>
  [0, 1].map((index) => ({
    op: 'add',
    path: `/webhooks/${index}/clientConfig/caBundle`,
    value: bundle(text),
  }));

test('the bundle of every entry may be written, again and again', async () => {
  let attempts = 0;
  await eventually('the policy is in force', async () => {
    const value = String((attempts += 1));
    assert.match(await patched({ op: 'add', path: '/metadata/labels/attempt', value }), /caBundle/);
  });
  for (const text of ['one', 'two', 'two']) assert.equal(await patched(...publish(text)), 'taken');
  assert.equal(await patched({ op: 'remove', path: '/webhooks/1/clientConfig/caBundle' }), 'taken');
  assert.equal(await patched(...publish('three')), 'taken');
});

const SECRETS = {
  operations: ['*'],
  apiGroups: [''],
  apiVersions: ['*'],
  resources: ['secrets'],
  scope: '*',
};
const changes: Readonly<Record<string, readonly Operation[]>> = {
  'all Secrets': [{ op: 'replace', path: '/webhooks/0/rules', value: [SECRETS] }],
  'one rule more': [{ op: 'add', path: '/webhooks/0/rules/-', value: SECRETS }],
  'another scope': [{ op: 'replace', path: '/webhooks/0/rules/0/scope', value: '*' }],
  'an address of its own': [
    { op: 'remove', path: '/webhooks/0/clientConfig/service' },
    { op: 'add', path: '/webhooks/0/clientConfig/url', value: 'https://evil.example' },
  ],
  'another Service': [{ op: 'replace', path: '/webhooks/1/clientConfig/service/name', value: 'evil' }],
  'another path': [{ op: 'replace', path: '/webhooks/0/clientConfig/service/path', value: '/' }],
  'another port': [{ op: 'replace', path: '/webhooks/0/clientConfig/service/port', value: 8443 }],
  'more namespaces': [{ op: 'remove', path: '/webhooks/0/namespaceSelector/matchExpressions/0' }],
  'fewer objects': [{ op: 'add', path: '/webhooks/0/objectSelector', value: { matchLabels: { a: 'b' } } }],
  'more pods': [{ op: 'remove', path: '/webhooks/0/matchConditions/0' }],
  'a policy that lets everything pass': [
    { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' },
  ],
  'a shorter wait': [{ op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 1 }],
  'no second call': [{ op: 'replace', path: '/webhooks/0/reinvocationPolicy', value: 'Never' }],
  'another match of versions': [{ op: 'replace', path: '/webhooks/0/matchPolicy', value: 'Exact' }],
  'another claim of side effects': [
    { op: 'replace', path: '/webhooks/0/sideEffects', value: 'NoneOnDryRun' },
  ],
  'older reviews': [{ op: 'replace', path: '/webhooks/0/admissionReviewVersions', value: ['v1beta1'] }],
  'another name': [{ op: 'replace', path: '/webhooks/0/name', value: 'other.inject.tandem.dev' }],
  'another order': [{ op: 'move', from: '/webhooks/0', path: '/webhooks/1' } as Operation],
  'one entry less': [{ op: 'remove', path: '/webhooks/0' }],
  'no entries': [{ op: 'remove', path: '/webhooks' }],
  'one entry more': [
    { op: 'copy', from: '/webhooks/0', path: '/webhooks/-' } as Operation,
    { op: 'replace', path: '/webhooks/6/name', value: 'other.inject.tandem.dev' },
  ],
  'a label': [{ op: 'add', path: '/metadata/labels/mine', value: 'x' }],
  'no labels': [{ op: 'remove', path: '/metadata/labels' }],
  'an annotation': [
    { op: 'add', path: '/metadata/annotations', value: { 'cert-manager.io/inject-ca-from': 'evil/evil' } },
  ],
  'a finalizer': [{ op: 'add', path: '/metadata/finalizers', value: ['example/kept'] }],
};

for (const [name, operations] of Object.entries(changes))
  test(`refused, beside a new bundle: ${name}`, async () => {
    const before = await api.admin.expect('GET', CONFIGURATION);
    for (const all of [operations, [...publish('evil'), ...operations]])
      assert.match(
        await patched(...all),
        /^422 .*ValidatingAdmissionPolicy.*this account may change caBundle, and no/,
      );
    assert.deepEqual(await api.admin.expect('GET', CONFIGURATION), before);
  });

test('nor may it make a configuration, replace its own, or delete one', async () => {
  const before = await api.admin.expect('GET', CONFIGURATION);
  const { webhooks } = before as unknown as { readonly webhooks: readonly object[] };
  const metadata = { name: 'evil', labels: {} };
  for (const [method, path, body] of [
    ['POST', CONFIGURATIONS, { metadata, webhooks }],
    ['PUT', CONFIGURATION, { ...before, webhooks: [{ ...webhooks[0], rules: [SECRETS] }] }],
    ['DELETE', CONFIGURATION, undefined],
    ['DELETE', CONFIGURATIONS, undefined],
  ] as const) {
    const answer = await account.request(method, path, body);
    assert.equal(answer.status, 422, `${method} ${path}`);
    assert.match(String(property(answer.body, 'message')), /this account may/);
  }
  assert.deepEqual(await api.admin.expect('GET', CONFIGURATION), before);
});

test('the policy ties nobody else: an administrator, helm, another account', async () => {
  await helm('upgrade', CHART, '--set=connectInject.timeoutSeconds=9', '--set=connectInject.default=true');
  const after = await api.admin.expect('GET', CONFIGURATION);
  assert.equal(at(after, 'webhooks', 0, 'timeoutSeconds'), 9);
  assert.equal(at(after, 'webhooks', 0, 'clientConfig', 'caBundle'), bundle('three'));
  await api.admin.expect('PATCH', CONFIGURATION, { metadata: { labels: { mine: 'x' } } }, MERGE_PATCH);
});

test('the policy is there when it has something to hold, and goes with the release', async () => {
  const isThere = async (values: object): Promise<boolean> =>
    (await renderChart(values)).objects.some(({ kind = '' }) => kind.startsWith('ValidatingAdmissionPolicy'));
  const certs = { secretName: 'mine', caBundle: 'Q0E=' };
  assert.deepEqual(
    await Promise.all(
      [{}, { connectInject: { certs: { policy: false } } }, { connectInject: { certs } }].map(isThere),
    ),
    [true, false, false],
  );
  const older = await runHelm(['template', 'tandem', CHART, '--kube-version=1.29.9', WITHOUT_CRDS]);
  assert.doesNotMatch(older, /ValidatingAdmissionPolicy/);
  await helm('uninstall');
  for (const kind of ['validatingadmissionpolicies', 'validatingadmissionpolicybindings']) {
    const path = `/apis/admissionregistration.k8s.io/v1/${kind}/tandem-webhook`;
    assert.equal((await api.admin.request('GET', path)).status, 404);
  }
});
