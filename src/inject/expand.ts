/** Values of containers as the kubelet makes them: what a process in the pod sees, from what stands in its spec. */
import { asString, property } from '../support/json.ts';

export type Variables = ReadonlyMap<string, string>;

/**
 * `$(NAME)` becomes the value of a known variable and stays as it is otherwise; `$$` becomes `$`.
 * Source: Kubernetes, "Define Dependent Environment Variables"; k8s.io/kubernetes third_party/forked/golang/expansion.
 */
export function expand(text: string, variables: Variables): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (all, name?: string) =>
    name === undefined ? '$' : (variables.get(name) ?? all),
  );
}

/**
 * The environment of a container. A value can use those before it, and of two with one name the last counts.
 *
 * @param fields values of the downward API by their path; what is not there yet is absent
 */
export function environmentOf(container: unknown, fields: Variables): Variables {
  const variables = new Map<string, string>();
  const env = property(container, 'env');
  for (const each of Array.isArray(env) ? env : []) {
    const name = asString(property(each, 'name'));
    const path = asString(property(property(property(each, 'valueFrom'), 'fieldRef'), 'fieldPath'));
    const text = asString(property(each, 'value'));
    const value = path === undefined ? text && expand(text, variables) : fields.get(path);
    if (name !== undefined && value !== undefined) variables.set(name, value);
  }
  return variables;
}
