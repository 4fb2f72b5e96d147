/** Consul's auth method of type kubernetes, set up as its documentation says. */
import type { ApiServer } from '../harness/api-server.ts';
import type { Consul } from '../harness/consul.ts';

const REVIEWER = 'consul-auth-method';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

/** Who logs in with a token of a ServiceAccount may be the service of that name; those called `default` may not log in. */
export async function createAuthMethod(api: ApiServer, consul: Consul, name: string): Promise<void> {
  const { admin } = api;
  await api.createNamespace('consul');
  await admin.expect('POST', '/api/v1/namespaces/consul/serviceaccounts', { metadata: { name: REVIEWER } });
  await admin.expect('POST', `${RBAC}/clusterroles`, {
    metadata: { name: REVIEWER },
    rules: [{ apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get'] }],
  });
  for (const role of [REVIEWER, 'system:auth-delegator'])
    await admin.expect('POST', `${RBAC}/clusterrolebindings`, {
      metadata: { name: `consul-${role}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name: REVIEWER, namespace: 'consul' }],
    });
  await consul.call('PUT', '/v1/acl/auth-method', {
    Name: name,
    Type: 'kubernetes',
    Config: {
      Host: api.url,
      CACert: api.ca,
      ServiceAccountJWT: await api.serviceAccountToken('consul', REVIEWER),
    },
  });
  await consul.call('PUT', '/v1/acl/binding-rule', {
    AuthMethod: name,
    BindType: 'service',
    BindName: '${serviceaccount.name}',
    Selector: 'serviceaccount.name != default',
  });
}
