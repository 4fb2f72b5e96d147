/** Whether a pod gets the sidecar: the rules, in their order; the first that holds decides. */
import type { Problem } from '../model/problem.ts';
import { asString, property, textAt } from '../support/json.ts';
import { BOOLEAN_WORDS, mustBeString, parseBoolean, quote } from '../support/text.ts';
import { ANNOTATION_PREFIX, MIRROR_ANNOTATION } from '../model/kubernetes-names.ts';
import { falseClaim, hasSidecar, injectionClaims } from './claims.ts';
import { isExcludedByDefault } from './default-exclusion.ts';
import { labelsInstead } from './misplaced.ts';
import type { SkipReason, Warning } from './result.ts';
import type { InjectSettings } from './settings.ts';

type Decision =
  | { readonly kind: 'skip'; readonly reason: SkipReason; readonly warnings: readonly Warning[] }
  | { readonly kind: 'invalid'; readonly problem: Problem }
  | { readonly kind: 'inject' };

/** The part of an admission request that the engine reads; the offline injector builds one from a manifest. */
export type InjectRequest = {
  /** `v1/Pod`, or whatever else was sent: `<group>/<version>/<kind>`, the group left out when it is the core group. */
  readonly kind: string;
  readonly operation: string;
  /** The request's namespace: `metadata.namespace` is often empty at admission. */
  readonly namespace: string;
  readonly object: unknown;
};

export type DecideSettings = Pick<
  InjectSettings,
  'ownNamespace' | 'allowNamespaces' | 'denyNamespaces' | 'defaultInject' | 'defaultExclude'
>;

const INJECT_ANNOTATION = `${ANNOTATION_PREFIX}connect-inject`;

/** Kubernetes' own namespaces: a node must be able to boot whatever Tandem does. */
const SYSTEM_NAMESPACES = new Set(['kube-system', 'kube-public', 'kube-node-lease']);

/**
 *     1  no v1/Pod, no CREATE, or no object                   skip  unsupported-request
 *     2  a system namespace, or Tandem's own                  skip  system-namespace, warning when asked for
 *     3  namespace on the deny list                           skip  namespace-denied, warning when asked for
 *     4  allow list holds neither * nor the namespace         skip  namespace-not-allowed, warning when asked for
 *     5  static (mirror) pod                                  skip  mirror-pod
 *     6  says that it is injected (annotation, label, record) skip  already-injected, when it has the containers;
 *                                                             else invalid
 *     7  connect-inject is there and no boolean               invalid
 *     8  connect-inject is false                              skip  opted-out
 *     9  connect-inject is absent and the default is off      skip  not-opted-in, warning when it is a label
 *        absent, on by default, and a namespace of a provider skip  namespace-excluded
 *    10  hostNetwork                                          skip  host-network, warning when asked for
 *    11  the pod is for Windows                               skip  windows, warning when asked for
 */
export function decide(request: InjectRequest, settings: DecideSettings): Decision {
  const metadata = property(request.object, 'metadata');
  const annotations = property(metadata, 'annotations');
  const beforePod = decideByRequest(request, settings);
  if (beforePod !== undefined) return skip(beforePod, askedInVain(beforePod, annotations));
  if (property(annotations, MIRROR_ANNOTATION) !== undefined) return skip('mirror-pod');
  const claims = injectionClaims(request.object);
  if (claims.length > 0)
    return hasSidecar(request.object)
      ? skip('already-injected')
      : { kind: 'invalid', problem: falseClaim(claims) };
  const asked = property(annotations, INJECT_ANNOTATION) ?? undefined;
  const wanted = asked === undefined ? settings.defaultInject : parseBoolean(asString(asked) ?? '');
  if (wanted === undefined) return { kind: 'invalid', problem: notBoolean(asked) };
  if (!wanted) return asked === undefined ? skip('not-opted-in', labelsInstead(metadata)) : skip('opted-out');
  if (asked === undefined && isExcluded(request.namespace, settings)) return skip('namespace-excluded');
  return decideByKind(property(request.object, 'spec'), asked !== undefined);
}

function decideByRequest(request: InjectRequest, settings: DecideSettings): SkipReason | undefined {
  const { kind, operation, namespace, object } = request;
  if (kind !== 'v1/Pod' || operation !== 'CREATE' || typeof object !== 'object' || object === null) {
    return 'unsupported-request';
  }
  if (SYSTEM_NAMESPACES.has(namespace) || namespace === settings.ownNamespace) return 'system-namespace';
  if (settings.denyNamespaces.includes(namespace)) return 'namespace-denied';
  const allowed = settings.allowNamespaces.includes('*') || settings.allowNamespaces.includes(namespace);
  return allowed ? undefined : 'namespace-not-allowed';
}

const BY_NAMESPACE: Partial<Record<SkipReason, string>> = {
  'system-namespace': "its namespace is Kubernetes' or Tandem's own, which are never touched",
  'namespace-denied': 'its namespace is on the deny list of the operator (--deny-namespaces)',
  'namespace-not-allowed': 'its namespace is not on the allow list of the operator (--allow-namespaces)',
};

function askedInVain(reason: SkipReason, annotations: unknown): readonly Warning[] {
  const why = BY_NAMESPACE[reason];
  const asked = textAt(annotations, INJECT_ANNOTATION);
  return why === undefined || parseBoolean(asked) !== true ? [] : [notInjected(why)];
}

function isExcluded(namespace: string, { defaultExclude }: DecideSettings): boolean {
  return defaultExclude !== undefined && isExcludedByDefault(namespace, defaultExclude);
}

function decideByKind(spec: unknown, asked: boolean): Decision {
  if (property(spec, 'hostNetwork') === true) {
    return skip('host-network', asked ? [notInjected('it uses the network of its node (hostNetwork)')] : []);
  }
  if (isForWindows(spec)) return skip('windows', asked ? [notInjected('it is for Windows')] : []);
  return { kind: 'inject' };
}

/** Kubernetes: `spec.os.name`, and the well-known node label for clusters that do not set it. */
function isForWindows(spec: unknown): boolean {
  const selector = property(spec, 'nodeSelector');
  return (
    property(property(spec, 'os'), 'name') === 'windows' ||
    property(selector, 'kubernetes.io/os') === 'windows'
  );
}

function skip(reason: SkipReason, warnings: readonly Warning[] = []): Decision {
  return { kind: 'skip', reason, warnings };
}

function notInjected(why: string): Warning {
  return {
    reason: 'not-injected',
    at: INJECT_ANNOTATION,
    message: `the pod gets no sidecar because ${why}`,
  };
}

function notBoolean(found: unknown): Problem {
  const message =
    typeof found === 'string' ? `${quote(found)} is not one of ${BOOLEAN_WORDS}` : mustBeString(found);
  return { at: INJECT_ANNOTATION, message };
}
