/** What the engine answers: a decision is a value with a reason. */
import type { Problem } from '../model/problem.ts';
import type { PatchOperation } from '../support/json-patch.ts';
import { firstOf } from '../support/listed.ts';

/** The closed vocabulary of skip reasons: metric label, log field, report of the command line, and documentation. */
export const skipReasons = {
  'unsupported-request': 'not the creation of a v1 Pod, or a request without an object',
  'system-namespace':
    "kube-system, kube-public, kube-node-lease and Tandem's own namespace are never touched",
  'namespace-denied': 'the namespace is on the deny list (deny beats allow)',
  'namespace-not-allowed': 'the allow list holds neither * nor the namespace',
  'mirror-pod': 'a static pod cannot be changed through the API',
  'already-injected': 'the pod says that it is injected, and has the sidecar',
  'opted-out': 'connect-inject is false',
  'not-opted-in': 'connect-inject is absent and injection is not the default',
  'namespace-excluded':
    'connect-inject is absent, and injection by default does not apply to this namespace: it belongs to a provider, or the operator excludes it',
  'host-network': 'the pod shares the network of its node, where sidecars would collide',
  windows: 'the sidecar images are for Linux',
} as const;

export type SkipReason = keyof typeof skipReasons;

/** The closed vocabulary of warnings: metric label, log field, and documentation. The pod is admitted nevertheless. */
export const warningReasons = {
  'no-effect': 'an annotation, or a label of consul-k8s, that has no effect on this pod',
  'unknown-annotation': 'an annotation under consul.hashicorp.com/ or tandem/ that is not known',
  'no-dns-label': 'a name for which Consul DNS cannot answer',
  'default-service-account': 'the ServiceAccount is default, which the binding rules of the chart leave out',
  'other-service-account': 'the service has another name than the ServiceAccount that logs in',
  'control-character': 'a tag or a value of meta that holds a control character, and is left out',
  'no-tcp-port': 'the pod declares ports, but no TCP port',
  'taken-port-name': 'a port of the pod has the name that a port of the sidecar would have',
  'pod-level-resources':
    'requests and limits are those of the pod as a whole, and the sidecar has none of its own',
  'qos-class': 'the pod was Guaranteed, and with the sidecar it is not',
  'empty-volume': 'the shared volume holds nothing in this mode',
  'init-before-sidecar': 'an init container of the author runs before the sidecar and reaches no upstream',
  'never-completes':
    'the pod of a Job, or another one that should end, with a classic sidecar, which does not',
  'kept-variable': 'a variable of an upstream that the pod sets itself, and whose value stays',
  shortened: 'a duration is longer than the pod allows, and was shortened',
  'not-injected': 'the pod asks for a sidecar, but cannot have one',
  'kind-not-edited': 'a pod in a manifest of a kind that Tandem does not edit in files',
  'redirected-probe':
    'a probe or hook that redirection breaks: probes are not overwritten, or a classic sidecar stops too early',
  'redirected-port': 'a port for plain clients, which redirection refuses',
  'local-port-only': 'an explicit upstream of a transparent pod, which is in the mesh at its local port only',
  'low-port': 'an upstream at a local port that some nodes keep for root, and the sidecar is not root',
  'config-entry': 'a field of a config entry that has no effect or is likely wrong',
  'wrong-place': 'a pod annotation that is on the workload, or is a label, so no pod gets it',
} as const;

export type WarningReason = keyof typeof warningReasons;

/** Something that most likely is not what the author meant. */
export type Warning = Problem & { readonly reason: WarningReason };

export function warningText({ at, message }: Problem): string {
  return `${at}: ${message}`;
}

// How much of it a status row, a log line and the record on the pod hold: a stranger decides how many warnings there are.
const TOLD = 10;
// As the API server cuts them (k8s.io/apiserver, pkg/endpoints/filters/warning.go).
const TOLD_LENGTH = 256;

/** The texts of the first ten, each at most 256 characters. */
export function toldWarnings(warnings: readonly Warning[]): string[] {
  return warnings.slice(0, TOLD).map((warning) => shortened(warningText(warning)));
}

export function shortened(text: string): string {
  return text.length <= TOLD_LENGTH ? text : `${text.slice(0, TOLD_LENGTH - 1)}…`;
}

export type InjectResult =
  | { readonly kind: 'skip'; readonly reason: SkipReason; readonly warnings: readonly Warning[] }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[]; readonly warnings: readonly Warning[] }
  | {
      readonly kind: 'inject';
      readonly patch: readonly PatchOperation[];
      readonly warnings: readonly Warning[];
    };

export type UninjectResult =
  | { readonly kind: 'skip'; readonly reason: 'not-injected' }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }
  | { readonly kind: 'uninject'; readonly patch: readonly PatchOperation[] };

// A status message has to stay readable in `kubectl describe`, and an annotation of 256 KiB can hold 100,000 problems.
const DESCRIBED = 50;

/** `at: message` for each problem, joined; the text that a developer sees in `kubectl describe replicaset`. */
export function describeProblems(problems: readonly Problem[]): string {
  return firstOf(problems, DESCRIBED, warningText, (left) => `and ${left} more`).join('; ');
}
