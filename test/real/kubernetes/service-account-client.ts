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

/** Makes the account and its role in the namespace, which must be there; the rules hold in the whole cluster. */
export async function serviceAccountClient(
  scene: Scene,
  server: ApiServer,
  name: string,
  rules: readonly Rule[],
): Promise<ApiClient> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await server.admin.expect('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name } });
  await server.admin.expect('POST', `${rbac}/clusterroles`, { metadata: { name }, rules });
  await server.admin.expect('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
  });
  const kubeconfig = server.kubeconfig({ token: await server.serviceAccountToken('default', name) });
  const client = apiClient(await clusterAccess({ kubeconfig, environment: {}, serviceAccount: '' }));
  scene.atEnd(() => client.close());
  return client;
}
