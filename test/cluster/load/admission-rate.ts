/** Admissions a second through the API server: dry runs of a pod, one after the other over several connections. */
import type { ApiClient, KubernetesObject } from '../../real/harness/api-client.ts';

// As many controllers as make pods at the same time in a busy cluster.
const CONNECTIONS = 8;

/** @param injected whether the pod asks for the sidecar: without, nobody asks Tandem */
export async function admissionsASecond(
  api: ApiClient,
  namespace: string,
  injected: boolean,
  seconds: number,
): Promise<number> {
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  const pod = sample(injected);
  const begin = performance.now();
  let admitted = 0;
  const askOn = async (): Promise<void> => {
    while (performance.now() < begin + seconds * 1000) {
      await api.expect('POST', path, pod);
      admitted += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, askOn));
  return admitted / ((performance.now() - begin) / 1000);
}

/** A pod for dry runs. @param injected whether it asks for the sidecar */
export function sample(injected: boolean): KubernetesObject {
  return {
    metadata: {
      generateName: 'sample-',
      annotations: injected ? { 'consul.hashicorp.com/connect-inject': 'true' } : {},
    },
    spec: { containers: [{ name: 'sample', image: 'example/sample', ports: [{ containerPort: 8080 }] }] },
  };
}
