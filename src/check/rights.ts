/** The rights in a cluster that each part of Tandem needs. */
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';

/** One rule of a Role or ClusterRole, by the names of RBAC. */
export type Rule =
  | {
      readonly kind: 'resource';
      readonly part: 'sync';
      /** Undefined: in all namespaces, or without one. */
      readonly namespace: string | undefined;
      readonly group: string;
      readonly resource: string;
      /** Undefined: of any name. */
      readonly name: string | undefined;
      readonly verbs: readonly string[];
    }
  | {
      readonly kind: 'path';
      readonly part: 'webhook';
      readonly path: string;
      readonly verbs: readonly string[];
    };

export type RightFact = {
  readonly rule: Rule;
  /** The verbs that are not allowed. */
  readonly missing: Probe<readonly string[]>;
};

export type Needs = {
  readonly ingresses: boolean;
  /** Undefined: there is no leader election. */
  readonly leaseNamespace: string | undefined;
  /** The owner is taken from the namespace kube-system. */
  readonly ownerFromCluster: boolean;
  /** Where the pods of an auto-join string are, when they are in this cluster. */
  readonly serverPodsNamespace: string | undefined;
};

/**
 * What is called, and nothing more: a watched resource
 * needs `list` and `watch`, the Lease is read, made and replaced, an Event is made and counted up.
 */
export function neededRules(needs: Needs): readonly Rule[] {
  return [
    { kind: 'path', part: 'webhook', path: '/version', verbs: ['get'] },
    resource('', 'services', ['list', 'watch']),
    resource('discovery.k8s.io', 'endpointslices', ['list', 'watch']),
    resource('', 'nodes', ['list', 'watch']),
    ...(needs.ingresses ? [resource('networking.k8s.io', 'ingresses', ['list', 'watch'])] : []),
    resource('', 'events', ['create', 'patch']),
    ...(needs.ownerFromCluster ? [{ ...resource('', 'namespaces', ['get']), name: 'kube-system' }] : []),
    ...(needs.leaseNamespace === undefined
      ? []
      : [
          {
            ...resource('coordination.k8s.io', 'leases', ['get', 'create', 'update']),
            namespace: needs.leaseNamespace,
          },
        ]),
    ...(needs.serverPodsNamespace === undefined
      ? []
      : [{ ...resource('', 'pods', ['list', 'watch']), namespace: needs.serverPodsNamespace }]),
  ];
}

/** A line for each rule that is missing or unknown; one line when nothing is. */
export function rightsFindings(facts: readonly RightFact[]): readonly Finding[] {
  const wrong = facts.flatMap(findingOf);
  return wrong.length > 0 ? wrong : [ok('rights', `all ${facts.length} rules of webhook and sync are there`)];
}

function findingOf({ rule, missing }: RightFact): Finding[] {
  const what = rule.kind === 'path' ? rule.path : rule.resource;
  if (missing.kind === 'failed') {
    const seen = `${rule.part}: whether ${what} may be used is unknown: ${missing.reason}`;
    return [warning('rights', seen, 'allow this account to create selfsubjectaccessreviews')];
  }
  if (missing.value.length === 0) return [];
  const where = rule.kind === 'resource' && rule.namespace !== undefined ? ` in ${rule.namespace}` : '';
  const seen = `${rule.part}: this account may not ${missing.value.join(' or ')} ${what}${where}`;
  return [failure('rights', seen, `add ${ruleText(rule)}`)];
}

/** As it stands in a manifest. */
function ruleText(rule: Rule): string {
  const verbs = `verbs: [${rule.verbs.join(', ')}]`;
  if (rule.kind === 'path') return `{nonResourceURLs: [${rule.path}], ${verbs}} to a ClusterRole of it`;
  const names = rule.name === undefined ? '' : `, resourceNames: [${rule.name}]`;
  const text = `{apiGroups: ["${rule.group}"], resources: [${rule.resource}]${names}, ${verbs}}`;
  return `${text} to a ${rule.namespace === undefined ? 'ClusterRole of it' : `Role of it in ${rule.namespace}`}`;
}

function resource(
  group: string,
  name: string,
  verbs: readonly string[],
): Extract<Rule, { kind: 'resource' }> {
  return {
    kind: 'resource',
    part: 'sync',
    namespace: undefined,
    group,
    resource: name,
    name: undefined,
    verbs,
  };
}
