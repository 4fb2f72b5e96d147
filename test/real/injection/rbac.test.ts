/** The rights that deploy/manifests give: enough for what the webhook does, and no more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { property } from '../../../src/support/json.ts';
import { JSON_PATCH, MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { CONFIGURATION, startWebhook } from '../harness/shipped-manifests.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl']);
const api = await startApiServer(scene);
const webhook = await startWebhook(scene, api, ['--native-sidecar=on']);

const BINDINGS = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
// What every account has by default, version included; hardened clusters take it away.
for (const name of [
  'system:public-info-viewer',
  'system:discovery',
  'system:basic-user',
  'system:service-account-issuer-discovery',
]) {
  await api.admin.expect('DELETE', `${BINDINGS}/${name}`);
}
const account = await api.asServiceAccount('tandem', 'tandem-webhook');

test('the account of the webhook reads the version, on a hardened cluster too', async () => {
  // The authorizer of the API server learns of a deleted binding by a watch.
  const stranger = await api.asUser('stranger');
  while ((await stranger.request('GET', '/version')).status !== 403);
  const { status, body } = await account.request('GET', '/version');
  assert.equal(status, 200);
  assert.equal(property(body, 'gitVersion'), 'v1.34.1');
});

test('the account may do nothing else', async () => {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview' };
  await api.admin.expect('POST', BINDINGS, {
    metadata: { name: 'test-rules-review' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:basic-user' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'tandem', name: 'tandem-webhook' }],
  });
  const rules = async (): Promise<unknown> => {
    const { body } = await account.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
      ...review,
      spec: { namespace: 'tandem' },
    });
    return property(body, 'status');
  };
  let found = await rules();
  while (property(found, 'nonResourceRules') === undefined) found = await rules();
  assert.deepEqual(property(found, 'nonResourceRules'), [{ verbs: ['get'], nonResourceURLs: ['/version'] }]);
  const resources = property(found, 'resourceRules') as Rule[];
  // Those of the role that this test gave it, to be able to ask, are left out.
  const own = resources.filter(({ apiGroups }) => !apiGroups[0]?.startsWith('auth'));
  assert.deepEqual(own.map(ruleText).toSorted(), [
    'create leases',
    'create secrets',
    'get,update leases tandem-webhook-tls',
    'list,watch,patch mutatingwebhookconfigurations tandem-webhook',
    'list,watch,update secrets tandem-webhook-tls',
  ]);
  for (const path of [
    '/api/v1/secrets',
    '/api/v1/namespaces/tandem/secrets',
    '/api/v1/namespaces/tandem/secrets/other',
    '/api/v1/namespaces/tandem/secrets?fieldSelector=metadata.name%3Dother',
    '/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dtandem-webhook-tls',
    '/api/v1/pods',
    '/api/v1/namespaces/tandem/configmaps',
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  ])
    assert.equal((await account.request('GET', path)).status, 403, path);
});

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const SECRET = '/api/v1/namespaces/tandem/secrets/tandem-webhook-tls';
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/tandem/leases/tandem-webhook-tls';
const USER = 'system:serviceaccount:tandem:tandem-webhook';

for (const path of [
  `${RBAC}/clusterroles/tandem-webhook`,
  `${RBAC}/namespaces/tandem/roles/tandem-webhook`,
]) {
  const rules = (await api.admin.expect('GET', path))['rules'] as Rule[];
  for (const [index, rule] of rules.entries()) {
    if (rule.resources === undefined) continue;
    for (const verb of rule.verbs)
      test(`without the right to ${verb} ${rule.resources.join()} the webhook is refused`, async () => {
        const verbs = rule.verbs.filter((each) => each !== verb);
        const others = rules.toSpliced(index, 1, ...(verbs.length === 0 ? [] : [{ ...rule, verbs }]));
        await api.admin.expect('PATCH', path, { rules: others }, MERGE_PATCH);
        await eventually('the rule counts', async () => assert.equal(await isAllowed(rule, verb), false));
        const from = webhook.process().position();
        await spoil(verb);
        await eventually('it is refused', async () =>
          assert.match(webhook.process().log(from), /"cause":"denied"|status 403|is forbidden/),
        );
        await api.admin.expect('PATCH', path, { rules }, MERGE_PATCH);
        await eventually('it works again', async () => assert.ok(await webhook.isReady()));
      });
  }
}

type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};

function ruleText({ verbs, resources = [], resourceNames = [] }: Rule): string {
  return [verbs.join(), resources.join(), ...resourceNames].join(' ');
}

/** What the webhook has the right for, it has to do now. */
async function spoil(verb: string): Promise<void> {
  const patch = [{ op: 'add', path: '/webhooks/1/clientConfig/caBundle', value: '' }];
  await api.admin.expect('PATCH', CONFIGURATION, patch, JSON_PATCH);
  if (verb === 'get' || verb === 'create') await api.admin.request('DELETE', LEASE);
  if (verb === 'create') await api.admin.request('DELETE', SECRET);
  else await api.admin.expect('PATCH', SECRET, { data: { 'tls.crt': 'Z2FyYmFnZQ==' } }, MERGE_PATCH);
}

async function isAllowed({ apiGroups, resources, resourceNames }: Rule, verb: string): Promise<unknown> {
  const resourceAttributes = {
    namespace: 'tandem',
    verb,
    group: apiGroups[0],
    resource: resources?.[0],
    name: resourceNames?.[0],
  };
  const review = { spec: { user: USER, resourceAttributes } };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  return property(property(await api.admin.expect('POST', path, review), 'status'), 'allowed');
}

test('without its rule the account is refused', async () => {
  const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles/tandem-webhook';
  await api.admin.expect('PATCH', role, { rules: [] }, MERGE_PATCH);
  // By a watch, again; a rule that the account had from elsewhere would let this run into the timeout.
  while ((await account.request('GET', '/version')).status === 200);
  assert.equal((await account.request('GET', '/version')).status, 403);
});
