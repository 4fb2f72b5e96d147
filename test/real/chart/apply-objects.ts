/** Objects of the chart, given to the API server. kubectl would read the schemas of all its kinds first, for a second. */
import assert from 'node:assert/strict';
import type { ApiClient, KubernetesObject } from '../harness/api-client.ts';

type Resource = { readonly name: string; readonly kind: string; readonly namespaced: boolean };

/** Applies objects, one after the other; throws at the first one that is not taken, also for a field that nobody knows. */
export type Apply = (objects: readonly KubernetesObject[]) => Promise<void>;

/** @param how further parameters of each request, such as `dryRun=All` */
export function applier(admin: ApiClient, how = 'force=true'): Apply {
  const resources = new Map<string, Promise<readonly Resource[]>>();

  /** Where the API server has such an object. */
  async function pathOf({ apiVersion = '', kind, metadata }: KubernetesObject): Promise<string> {
    const version = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
    const known = resources.get(version) ?? resourcesOf(version);
    resources.set(version, known);
    const found = (await known).find((each) => each.kind === kind && !each.name.includes('/'));
    assert.ok(found, `${apiVersion} ${kind}`);
    const place = found.namespaced ? `/namespaces/${metadata.namespace ?? 'tandem'}` : '';
    return `${version}${place}/${found.name}/${metadata.name}`;
  }

  async function resourcesOf(version: string): Promise<readonly Resource[]> {
    return (await admin.expect('GET', version))['resources'] as readonly Resource[];
  }

  return async (objects) => {
    for (const object of objects) {
      const path = `${await pathOf(object)}?fieldValidation=Strict&fieldManager=test&${how}`;
      await admin.expect('PATCH', path, object, 'application/apply-patch+yaml');
    }
  };
}

/** Those of these parts. */
export function partsOf(
  { objects }: { readonly objects: readonly KubernetesObject[] },
  ...parts: readonly string[]
): readonly KubernetesObject[] {
  return objects.filter((object) => parts.includes(componentOf(object)));
}

export function componentOf({ metadata }: KubernetesObject): string {
  return metadata.labels?.['app.kubernetes.io/component'] ?? '';
}
