/** The rights that deploy/manifests give: enough for what the webhook reads, and no more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { property } from '../../../src/support/json.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startScene } from '../harness/scene.ts';
import { startWebhook } from '../harness/shipped-manifests.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl']);
const api = await startApiServer(scene);
await startWebhook(scene, api, ['--native-sidecar=on']);

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
  while (found === undefined) found = await rules();
  assert.deepEqual(property(found, 'nonResourceRules'), [{ verbs: ['get'], nonResourceURLs: ['/version'] }]);
  const resources = property(found, 'resourceRules') as { readonly apiGroups: readonly string[] }[];
  assert.deepEqual(
    [...new Set(resources.flatMap(({ apiGroups }) => apiGroups))].toSorted(),
    // Of the role that this test gave it, to be able to ask.
    ['authentication.k8s.io', 'authorization.k8s.io'],
  );
  for (const path of [
    '/api/v1/secrets',
    '/api/v1/namespaces/tandem/secrets',
    '/api/v1/pods',
    '/api/v1/namespaces/tandem/configmaps',
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  ])
    assert.equal((await account.request('GET', path)).status, 403, path);
});

test('without its rule the account is refused', async () => {
  const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles/tandem-webhook';
  await api.admin.expect('PATCH', role, { rules: [] }, 'application/merge-patch+json');
  // By a watch, again; a rule that the account had from elsewhere would let this run into the timeout.
  while ((await account.request('GET', '/version')).status === 200);
  assert.equal((await account.request('GET', '/version')).status, 403);
});
