/** The variables with which an application finds its upstreams. */
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import { elementsAt, property, textAt } from '../support/json.ts';
import { UPSTREAM_MARK } from './names.ts';
import type { Pod } from './pod.ts';
import type { Problem } from '../model/problem.ts';
import type { ProxyUpstream } from '../model/registration.ts';

export type Variable = { readonly name: string; readonly value: string };

// A pod of 300 upstreams and 1,000 containers would be 1.2 million operations, for us and for the API server that applies
// them; 20,000 take some milliseconds, and are 500 upstreams in each of ten containers.
const MAX_ADDED = 20_000;
// Each variable is inserted before the existing ones, and an API server copies the list for each: 50 million entries are
// 400 MB to copy, a fraction of a second.
const MAX_MOVED = 50_000_000;

const UPSTREAMS = `${ANNOTATION_PREFIX}connect-service-upstreams`;

// Each takes up to a microsecond, so together they take as long as twenty usual pods. Ten upstreams in five containers are a thousand.
const FEW_CHARACTERS = 2000;
// What a container takes besides, in characters.
const CONTAINER = 10;

/**
 * Whether a pod takes long to inject: each container is read, and gets the variables of all upstreams.
 *
 * @param pod as it came, because the webhook asks this for every pod
 */
export function takesLongToInject(pod: unknown): boolean {
  const written = textAt(property(property(pod, 'metadata'), 'annotations'), UPSTREAMS);
  const spec = property(pod, 'spec');
  const containers = elementsAt(spec, 'initContainers').length + elementsAt(spec, 'containers').length;
  return (written.length + CONTAINER) * containers > FEW_CHARACTERS;
}

/** One pod must not block the webhook, or the API server behind it, for all others; undefined when it does not. */
export function tooManyVariables(pod: Pod, { length: added }: readonly Variable[]): Problem | undefined {
  const containers = [...pod.initContainers, ...pod.containers];
  const at = UPSTREAMS;
  if (added * containers.length > MAX_ADDED)
    return {
      at,
      message: `${added} variables in each of ${containers.length} containers; at most ${MAX_ADDED} can be added to a pod`,
    };
  const moved = containers.reduce((sum, { variableCount }) => sum + added * variableCount, 0);
  if (moved <= MAX_MOVED) return undefined;
  return {
    at,
    message: `${added} variables in front of those that the containers already have are too many`,
  };
}

/**
 * `<NAME>_CONNECT_SERVICE_HOST` and `_PORT` for each upstream, in order. If two upstreams have one name, the first provides
 * the variables. If the name that other tools produce (only `-` replaced) differs, that one is added, too.
 */
export function upstreamVariables(upstreams: readonly ProxyUpstream[]): readonly Variable[] {
  const variables = new Map<string, Variable>();
  for (const { name, bindAddress, bindPort } of upstreams) {
    for (const stem of stems(name)) {
      for (const [suffix, value] of [
        ['HOST', bindAddress],
        ['PORT', String(bindPort)],
      ] as const) {
        const variable = { name: `${stem}${UPSTREAM_MARK}${suffix}`, value };
        if (!variables.has(variable.name)) variables.set(variable.name, variable);
      }
    }
  }
  return [...variables.values()];
}

function stems(name: string): readonly string[] {
  const upper = name.toUpperCase();
  // Handles most names, in a third of the time.
  if (/^[A-Z_][A-Z0-9_]*$/.test(upper)) return [upper];
  const plain = upper.replaceAll(/[^A-Z0-9_]/g, '_').replace(/^(?=[0-9])/, '_');
  const customary = upper.replaceAll('-', '_');
  // The API server refuses a variable that starts with a digit (k8s.io/apimachinery, validation.IsEnvVarName).
  return plain === customary || /^[0-9]/.test(customary) ? [plain] : [plain, customary];
}
