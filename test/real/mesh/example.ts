/** The manifests of `examples/`, as a cluster would take them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../harness/api-client.ts';
import type { ApiServer } from '../harness/api-server.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
// Where the API server serves the kinds that are in the examples.
const PATHS: Readonly<Record<string, string>> = {
  ConfigMap: '/api/v1/namespaces/NAMESPACE/configmaps',
  Deployment: '/apis/apps/v1/namespaces/NAMESPACE/deployments',
  Job: '/apis/batch/v1/namespaces/NAMESPACE/jobs',
  Service: '/api/v1/namespaces/NAMESPACE/services',
  StatefulSet: '/apis/apps/v1/namespaces/NAMESPACE/statefulsets',
};

/**
 * Creates what the file holds, with unknown fields refused, and gives its pods: the first of each workload, as its
 * controller would make it.
 *
 * @param changes text to replace: the pods of one machine share 127.0.0.1, so two of an example cannot use one port there
 */
export async function applyExample(
  api: ApiServer,
  namespace: string,
  file: string,
  changes: Readonly<Record<string, string | number>>,
): Promise<readonly KubernetesObject[]> {
  const pods: KubernetesObject[] = [];
  for (const object of documents(file, changes)) {
    const { kind = '' } = object;
    if (kind === 'Pod') pods.push(object);
    else {
      const path = PATHS[kind]?.replace('NAMESPACE', namespace);
      if (path === undefined) throw new Error(`${file} holds a ${kind}`);
      const created = await api.admin.expect('POST', `${path}?fieldValidation=Strict`, object);
      pods.push(...podOfWorkload(created));
    }
  }
  return pods;
}

function documents(
  file: string,
  changes: Readonly<Record<string, string | number>>,
): readonly KubernetesObject[] {
  let text = readFileSync(join(EXAMPLES, file), 'utf8');
  for (const [old, replacement] of Object.entries(changes)) {
    if (!text.includes(old)) throw new Error(`${file} has no ${old}`);
    text = text.replaceAll(old, String(replacement));
  }
  return parseAllDocuments(text).map((each) => each.toJS() as KubernetesObject);
}

type Workload = {
  readonly spec?: {
    readonly template?: {
      readonly metadata: KubernetesObject['metadata'];
      readonly spec: { readonly volumes?: readonly object[] };
    };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
};

function podOfWorkload(workload: KubernetesObject): readonly KubernetesObject[] {
  const { template, volumeClaimTemplates = [] } = (workload as Workload).spec ?? {};
  if (template === undefined) return [];
  const name = workload.metadata.name ?? '';
  const claims = volumeClaimTemplates.map((claim) => ({
    name: claim.metadata.name,
    persistentVolumeClaim: { claimName: `${claim.metadata.name}-${name}-0` },
  }));
  const { labels = {}, annotations = {} } = template.metadata;
  const named = workload.kind === 'StatefulSet' ? { name: `${name}-0` } : { generateName: `${name}-` };
  return [
    {
      metadata: { ...named, labels, annotations },
      spec: { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] },
    },
  ];
}
