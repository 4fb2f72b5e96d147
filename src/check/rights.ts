/** The rights in a cluster that each part of Tandem needs. */
import type { Naming } from '../config/naming-settings.ts';
import { ENTRY_GROUP } from '../catalog/config-entries/entry-kinds.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';
import { clusterFix } from './fix-of.ts';

type Part = 'webhook' | 'sync' | 'registrar' | 'to-k8s' | 'config-entries';

/** One rule of a Role or ClusterRole, by the names of RBAC. */
export type Rule =
  | {
      readonly kind: 'resource';
      readonly part: Part;
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
      readonly part: Part;
      readonly path: string;
      readonly verbs: readonly string[];
    };

export type RightFact = {
  readonly rule: Rule;
  /** The verbs that are not allowed. */
  readonly missing: Probe<readonly string[]>;
};

/** What the account is for: each part that it runs. */
export type Needs = {
  readonly webhook?: WebhookNeeds | undefined;
  readonly sync?: SyncNeeds | undefined;
};

type WebhookNeeds = {
  /** Undefined: it has files. */
  readonly shared:
    | {
        readonly namespace: string;
        readonly secret: string;
        readonly configuration: string;
        /** The webhook checks config entries, and keeps a ValidatingWebhookConfiguration of that name, too. */
        readonly configEntries: boolean;
      }
    | undefined;
  /** The node of Consul in the pods of dataplane mode carries the owner, which is taken from the namespace kube-system. */
  readonly ownerFromCluster: boolean;
};

export type SyncNeeds = {
  /** Undefined: that direction is off. */
  readonly toConsul: { readonly ingresses: boolean } | undefined;
  /** Undefined: it is off. */
  readonly registrar: Naming | undefined;
  /** Namespace of the Services that are created from Consul services; undefined: that direction is off. */
  readonly writeNamespace: string | undefined;
  /** Instances of Consul are compared with the addresses of the cluster. */
  readonly clusterNetwork: boolean;
  /** Undefined: they are off. */
  readonly configEntries:
    { readonly kinds: readonly Pick<EntryKind, 'plural'>[]; readonly adopt: boolean } | undefined;
  readonly lease: { readonly namespace: string; readonly name: string };
  /** The owner is taken from the namespace kube-system. */
  readonly ownerFromCluster: boolean;
  /** Where the pods of an auto-join string are, when they are in this cluster. */
  readonly serverPodsNamespace: string | undefined;
};

const READ = ['list', 'watch'];
const EVENTS = resource('', 'events', ['create', 'patch']);
const OWNER = named('', 'namespaces', 'kube-system', ['get']);

/**
 * What is called, and nothing more: a watched resource needs `list` and `watch`, a Lease is read, made and replaced, an
 * Event is made and counted up. A creation has no name yet when it is authorized.
 */
export function neededRules({ webhook, sync }: Needs): readonly Rule[] {
  return [
    ...(webhook === undefined ? [] : webhookRules(webhook)),
    ...(sync === undefined ? [] : syncRules(sync)),
  ];
}

function webhookRules({ shared, ownerFromCluster }: WebhookNeeds): readonly Rule[] {
  const itself: readonly Rule[] = [
    { kind: 'path', part: 'webhook', path: '/version', verbs: ['get'] },
    ...(ownerFromCluster ? [{ ...OWNER, part: 'webhook' } as const] : []),
  ];
  if (shared === undefined) return itself;
  const { namespace, secret, configuration, configEntries } = shared;
  const configurations = [
    'mutatingwebhookconfigurations',
    ...(configEntries ? ['validatingwebhookconfigurations'] : []),
  ];
  return [
    ...itself,
    ...[
      named('', 'secrets', secret, ['list', 'watch', 'update']),
      resource('', 'secrets', ['create']),
      named('coordination.k8s.io', 'leases', secret, ['get', 'update']),
      resource('coordination.k8s.io', 'leases', ['create']),
    ].map((rule): Rule => ({ ...rule, part: 'webhook', namespace })),
    ...configurations.map((each): Rule => ({
      ...named('admissionregistration.k8s.io', each, configuration, ['list', 'watch', 'patch']),
      part: 'webhook',
    })),
  ];
}

function syncRules(needs: SyncNeeds): readonly Rule[] {
  const { toConsul, registrar, configEntries, writeNamespace, lease, serverPodsNamespace } = needs;
  return [
    ...(toConsul === undefined ? [] : catalogRules(toConsul)),
    ...(registrar === undefined ? [] : registrarRules(registrar)),
    ...(configEntries === undefined ? [] : entryRules(configEntries)),
    ...((toConsul ?? registrar ?? configEntries) === undefined ? [] : [EVENTS]),
    ...(needs.ownerFromCluster ? [OWNER] : []),
    { ...named('coordination.k8s.io', 'leases', lease.name, ['get', 'update']), namespace: lease.namespace },
    { ...resource('coordination.k8s.io', 'leases', ['create']), namespace: lease.namespace },
    ...(serverPodsNamespace === undefined
      ? []
      : [{ ...resource('', 'pods', READ), namespace: serverPodsNamespace }]),
    ...(writeNamespace === undefined ? [] : writeRules(writeNamespace)),
    ...(needs.clusterNetwork ? networkRules(toConsul !== undefined, registrar !== undefined) : []),
  ];
}

function catalogRules({ ingresses }: { readonly ingresses: boolean }): readonly Rule[] {
  return [
    resource('', 'services', READ),
    resource('discovery.k8s.io', 'endpointslices', READ),
    resource('', 'nodes', READ),
    ...(ingresses ? [resource('networking.k8s.io', 'ingresses', READ)] : []),
  ];
}

/** The CRD is read before anything of its kind is removed in Consul. */
function entryRules({ kinds, adopt }: NonNullable<SyncNeeds['configEntries']>): readonly Rule[] {
  const crds = 'customresourcedefinitions';
  return kinds
    .flatMap(({ plural }) => [
      resource(ENTRY_GROUP, plural, adopt ? [...READ, 'patch'] : READ),
      resource(ENTRY_GROUP, `${plural}/status`, ['patch']),
      named('apiextensions.k8s.io', crds, `${plural}.${ENTRY_GROUP}`, ['get']),
    ])
    .map((rule): Rule => ({ ...rule, part: 'config-entries' }));
}

/** Services name pods, or have the addresses of redirected ones, which any pod may be. */
function registrarRules({ podsLogIn }: Pick<Naming, 'podsLogIn'>): readonly Rule[] {
  const resources = ['pods', 'nodes', 'services', ...(podsLogIn ? ['serviceaccounts'] : [])];
  return resources.map((each): Rule => ({ ...resource('', each, READ), part: 'registrar' }));
}

/** Without the rights that other parts need anyway: both need Nodes, and the other direction needs all Services and slices. */
function networkRules(toConsul: boolean, registrar: boolean): readonly Rule[] {
  const itself = [
    named('', 'services', 'kubernetes', READ),
    named('discovery.k8s.io', 'endpointslices', 'kubernetes', READ),
  ];
  const nodes = toConsul || registrar ? [] : [resource('', 'nodes', READ)];
  return [...nodes, ...(toConsul ? [] : itself), resource('networking.k8s.io', 'servicecidrs', READ)].map(
    (rule): Rule => ({ ...rule, part: 'to-k8s' }),
  );
}

function writeRules(namespace: string): readonly Rule[] {
  const write = [...READ, 'create', 'patch', 'delete'];
  return [resource('', 'services', write), resource('discovery.k8s.io', 'endpointslices', write), EVENTS].map(
    (rule): Rule => ({ ...rule, part: 'to-k8s', namespace }),
  );
}

/** A line for each rule that is missing or unknown; one line when nothing is. */
export function rightsFindings(facts: readonly RightFact[]): readonly Finding[] {
  const wrong = facts.flatMap(findingOf);
  return wrong.length > 0
    ? wrong
    : [ok('rights', `all ${facts.length} rules for ${partsOf(facts).join(', ')} are granted`)];
}

function partsOf(facts: readonly RightFact[]): readonly Part[] {
  return [...new Set(facts.map(({ rule }) => rule.part))];
}

function findingOf({ rule, missing }: RightFact): Finding[] {
  const what = rule.kind === 'path' ? rule.path : rule.resource;
  if (missing.kind === 'failed') {
    const seen = `${rule.part}: cannot tell whether this account may use ${what}: ${missing.reason}`;
    return [
      warning('rights', seen, clusterFix(missing, 'allow this account to create selfsubjectaccessreviews')),
    ];
  }
  if (missing.value.length === 0) return [];
  const where = rule.kind === 'resource' && rule.namespace !== undefined ? ` in ${rule.namespace}` : '';
  const seen = `${rule.part}: this account may not ${missing.value.join(' or ')} ${what}${where}`;
  return [failure('rights', seen, `add ${ruleText(rule)}`)];
}

/** As it is written in a manifest. */
function ruleText(rule: Rule): string {
  const verbs = `verbs: [${rule.verbs.join(', ')}]`;
  if (rule.kind === 'path') return `{nonResourceURLs: [${rule.path}], ${verbs}} to a ClusterRole of it`;
  const names = rule.name === undefined ? '' : `, resourceNames: [${rule.name}]`;
  const text = `{apiGroups: ["${rule.group}"], resources: [${rule.resource}]${names}, ${verbs}}`;
  return `${text} to a ${rule.namespace === undefined ? 'ClusterRole of it' : `Role of it in ${rule.namespace}`}`;
}

type ResourceRule = Extract<Rule, { kind: 'resource' }>;

function resource(group: string, name: string, verbs: readonly string[]): ResourceRule {
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

function named(group: string, kind: string, name: string, verbs: readonly string[]): ResourceRule {
  return { ...resource(group, kind, verbs), name };
}
