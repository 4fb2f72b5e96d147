/** The variables of a container as a kubelet resolves them, and their expansion in its command. */
import type { V1Container, V1EnvVar, V1Pod } from '@kubernetes/client-node';

export type Variables = ReadonlyMap<string, string>;

/**
 * `$(NAME)` becomes the value of a known variable and stays where there is none; `$$` becomes `$`.
 * Source: k8s.io/kubernetes third_party/forked/golang/expansion.
 */
export function expand(text: string, variables: Variables): string {
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (whole, name?: string) =>
    name === undefined ? '$' : (variables.get(name) ?? whole),
  );
}

/** In order: a value can use the variables in front of it. Source: kubelet_pods.go, makeEnvironmentVariables. */
export function containerEnvironment(pod: V1Pod, container: V1Container): Variables {
  const variables = new Map<string, string>();
  for (const variable of container.env ?? []) variables.set(variable.name, value(pod, variable, variables));
  return variables;
}

function value(pod: V1Pod, variable: V1EnvVar, before: Variables): string {
  const source = variable.valueFrom;
  if (source === undefined) return expand(variable.value ?? '', before);
  if (source.fieldRef === undefined) throw new Error(`${variable.name}: only fieldRef is played here`);
  return podField(pod, source.fieldRef.fieldPath);
}

/** What the downward API gives for a path such as `status.podIP` or `metadata.annotations['key']`. */
export function podField(pod: V1Pod, path: string): string {
  const entry = /^metadata\.(annotations|labels)\['(.*)'\]$/.exec(path);
  if (entry !== null) return pod.metadata?.[entry[1] as 'annotations' | 'labels']?.[entry[2] ?? ''] ?? '';
  const found = path
    .split('.')
    .reduce<unknown>((object, key) => (object as Record<string, unknown> | undefined)?.[key], pod);
  if (typeof found !== 'string') throw new Error(`the pod has no ${path}`);
  return found;
}
