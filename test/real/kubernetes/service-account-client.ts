/** A client of the code under test that may do what its ServiceAccount may, and nothing else. */
import { clusterAccess } from '../../../src/kubernetes/cluster-access.ts';
import { apiClient, type ApiClient } from '../../../src/kubernetes/api-client.ts';
import type { ApiServer } from '../harness/api-server.ts';
import type { Scene } from '../harness/scene.ts';

export type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
};

/** Makes the account and its role in the namespace `default`; the rules hold there, or in the whole cluster. */
export async function serviceAccountClient(
  scene: Scene,
  server: ApiServer,
  name: string,
  scope: 'namespace' | 'cluster',
  rules: readonly Rule[],
): Promise<ApiClient> {
  const group = '/apis/rbac.authorization.k8s.io/v1';
  const [rbac, kind] =
    scope === 'cluster' ? [`${group}/cluster`, 'ClusterRole'] : [`${group}/namespaces/default/`, 'Role'];
  await server.admin.expect('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name } });
  await server.admin.expect('POST', `${rbac}roles`, { metadata: { name }, rules });
  await server.admin.expect('POST', `${rbac}rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
  });
  const kubeconfig = server.kubeconfig({ token: await server.serviceAccountToken('default', name) });
  const client = apiClient(await clusterAccess({ kubeconfig, environment: {}, serviceAccount: '' }));
  scene.atEnd(() => client.close());
  return client;
}
