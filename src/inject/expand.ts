/** Values of containers as the kubelet makes them: what a process in the pod sees, computed from the spec. */
import { MAX_ARGUMENT_BYTES } from './names.ts';
import { asString, elementsAt, property } from '../support/json.ts';

export type Variables = ReadonlyMap<string, string>;

// Linux, bprm_stack_limits: three quarters of 8 MiB for all arguments and variables.
const MOST_OF_ALL = 6 * 1024 * 1024;

/**
 * `$(NAME)` becomes the value of a known variable and stays as it is otherwise; `$$` becomes `$`. Values that use others can
 * double from one to the next, so that a few lines would fill any memory.
 * Source: Kubernetes, "Define Dependent Environment Variables"; k8s.io/kubernetes third_party/forked/golang/expansion.
 *
 * @returns undefined if no process could be started with the value
 */
export function expand(text: string, variables: Variables): string | undefined {
  if (text.length > 2 * MAX_ARGUMENT_BYTES) return undefined;
  // Nothing is closed after the last closing bracket; searching for it from each opening one would take forever.
  const end = text.lastIndexOf(')') + 1;
  const parts: string[] = [];
  let length = 0;
  let at = 0;
  const add = (part: string): void => {
    parts.push(part);
    length += part.length;
  };
  for (const match of text.slice(0, end).matchAll(/\$\$|\$\(([^)]*)\)/g)) {
    const [all, name] = match;
    add(text.slice(at, match.index));
    add(name === undefined ? '$' : (variables.get(name) ?? all));
    at = match.index + all.length;
    if (length > MAX_ARGUMENT_BYTES) return undefined;
  }
  add(text.slice(at, end));
  add(text.slice(end).replaceAll('$$', () => '$'));
  return length > MAX_ARGUMENT_BYTES ? undefined : parts.join('');
}

/**
 * The environment of a container. A value can use those before it, and of two with one name the last counts. A variable with which
 * no process could be started is absent.
 *
 * @param fields values of the downward API by their path; what is not there yet is absent
 */
export function environmentOf(container: unknown, fields: Variables): Variables {
  const variables = new Map<string, string>();
  let length = 0;
  for (const each of elementsAt(container, 'env')) {
    const name = asString(property(each, 'name'));
    const path = asString(property(property(property(each, 'valueFrom'), 'fieldRef'), 'fieldPath'));
    const text = asString(property(each, 'value'));
    const value = path === undefined ? text && expand(text, variables) : fields.get(path);
    if (name === undefined || value === undefined) continue;
    length += name.length + value.length;
    if (length > MOST_OF_ALL) break;
    variables.set(name, value);
  }
  return variables;
}
