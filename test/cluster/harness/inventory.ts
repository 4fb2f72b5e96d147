/** The names of all objects of a cluster, to tell what an installation leaves behind. */
import type { ApiClient, KubernetesObject } from '../../real/harness/api-client.ts';
import { list } from './list.ts';

type Resource = { readonly name: string; readonly kind: string; readonly verbs: readonly string[] };

// They tell what has happened, and end by themselves.
const EVENTS = 'events';

/** Of every kind that the API server can list: `<group>/<plural> <namespace>/<name>`. */
export async function inventory(api: ApiClient): Promise<readonly string[]> {
  const { groups } = (await api.expect('GET', '/apis')) as unknown as {
    readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
  };
  const paths = [
    '/api/v1',
    ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`),
  ];
  return (await Promise.all(paths.map((path) => ofGroup(api, path)))).flat().toSorted();
}

async function ofGroup(api: ApiClient, path: string): Promise<readonly string[]> {
  const { resources } = (await api.expect('GET', path)) as unknown as {
    readonly resources: readonly Resource[];
  };
  const listed = resources.filter(({ name, verbs }) => verbs.includes('list') && name !== EVENTS);
  const names = listed.map(async ({ name }) => {
    const objects = await list<KubernetesObject>(api, `${path}/${name}`);
    const group = path.replace(/^\/apis?\//, '');
    return objects.map(({ metadata }) => `${group}/${name} ${metadata.namespace ?? ''}/${metadata.name}`);
  });
  return (await Promise.all(names)).flat();
}
