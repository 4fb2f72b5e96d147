/** The rights in the roles that the chart renders, and how some of them are taken away from a running cluster. */
import assert from 'node:assert/strict';
import { property } from '../../../src/support/json.ts';
import { MERGE_PATCH, type KubernetesObject } from '../harness/api-client.ts';
import type { ApiServer } from '../harness/api-server.ts';
import type { Rendered } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';

export type Rule = {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};
export type Right = {
  readonly role: KubernetesObject;
  /** Of its rule in the role. */
  readonly index: number;
  readonly verb: string;
  /** `serviceaccounts/token`, or a path that is no resource. */
  readonly resource: string;
  /** The one object that it is for. */
  readonly name: string | undefined;
  /** Who has it. */
  readonly user: string;
};

export type Component = 'webhook' | 'sync' | 'secure' | 'redirector' | 'test';

/** Of every role of a part, one by one: a verb on a resource, or on one object of it. */
export function rightsOf(
  chart: Rendered,
  part: Component,
  user = `system:serviceaccount:tandem:tandem-${part}`,
): readonly Right[] {
  const roles = chart.objects.filter(
    ({ kind, metadata }) =>
      kind?.endsWith('Role') && metadata.labels?.['app.kubernetes.io/component'] === part,
  );
  return roles.flatMap((role) =>
    rulesOf(role).flatMap((rule, index) =>
      objectsOf(rule).flatMap((object) => rule.verbs.map((verb) => ({ role, index, verb, ...object, user }))),
    ),
  );
}

function objectsOf({ resources = [], nonResourceURLs = [], resourceNames }: Rule) {
  const names: readonly (string | undefined)[] = resourceNames ?? [undefined];
  return [...resources, ...nonResourceURLs].flatMap((resource) => names.map((name) => ({ resource, name })));
}

export function isPath({ resource }: Pick<Right, 'resource'>): boolean {
  return resource.startsWith('/');
}

/** `get secrets mesh-secure`. */
export function textOf({ verb, resource, name }: Pick<Right, 'verb' | 'resource' | 'name'>): string {
  return [verb, resource, ...(name === undefined ? [] : [name])].join(' ');
}

/** `Role get secrets mesh-secure`. */
export function textInRole(right: Right): string {
  return `${right.role.kind} ${textOf(right)}`;
}

/** The words of the API server about a right that is missing, quoted once or twice as logs have them. */
export function refusalOf({ role, index, verb, resource, name }: Right): RegExp {
  const quoted = (text: string): string => `\\\\*"${text}\\\\*"`;
  const group = quoted(rulesOf(role)[index]?.apiGroups?.[0] ?? '');
  const object = name === undefined ? '' : `${quoted(name)} is forbidden.*`;
  // A right in the whole cluster is asked for where the object is, or at the scope of the cluster.
  const place = role.kind === 'Role' ? ` in the namespace ${quoted(role.metadata.namespace ?? '')}` : '';
  return new RegExp(`${object}cannot ${verb} resource ${quoted(resource)} in API group ${group}${place}`);
}

/** Takes the roles away by which everybody may read the version and the issuer of tokens: a hardened cluster has none of them. */
export async function harden({ admin }: ApiServer): Promise<void> {
  for (const name of ['public-info-viewer', 'discovery', 'service-account-issuer-discovery'])
    await admin.request('DELETE', `${RBAC}/clusterrolebindings/system:${name}`);
}

/** Waits until all of them count, after their roles were applied. */
export function haveAll(api: ApiServer, rights: readonly Right[]): Promise<void> {
  return count(api, rights, true);
}

/** Takes each verb from its resource, and waits until that counts; all other rights of their roles stay. */
export async function takeAway(api: ApiServer, rights: readonly Right[]): Promise<void> {
  for (const [role, taken] of Map.groupBy(rights, (right) => right.role)) {
    const rules = rulesOf(role).flatMap((rule, index) =>
      parted(
        rule,
        taken.filter((right) => right.index === index),
      ),
    );
    await setRules(api, role, rules);
  }
  await count(api, rights, false);
}

export async function giveBack(api: ApiServer, rights: readonly Right[]): Promise<void> {
  for (const role of new Set(rights.map((right) => right.role))) await setRules(api, role, rulesOf(role));
  await count(api, rights, true);
}

function rulesOf(role: KubernetesObject): readonly Rule[] {
  return role['rules'] as readonly Rule[];
}

/** A rule for each object of this one, without what is taken. */
function parted(rule: Rule, taken: readonly Right[]): readonly Rule[] {
  if (taken.length === 0) return [rule];
  return objectsOf(rule).flatMap(({ resource, name }): readonly Rule[] => {
    const isTaken = (verb: string): boolean =>
      taken.some((right) => right.resource === resource && right.name === name && right.verb === verb);
    const verbs = rule.verbs.filter((verb) => !isTaken(verb));
    if (verbs.length === 0) return [];
    if (isPath({ resource })) return [{ nonResourceURLs: [resource], verbs }];
    const { apiGroups = [] } = rule;
    const resourceNames = name === undefined ? {} : { resourceNames: [name] };
    return [{ apiGroups, resources: [resource], ...resourceNames, verbs }];
  });
}

async function setRules(api: ApiServer, role: KubernetesObject, rules: readonly Rule[]): Promise<void> {
  await api.admin.expect('PATCH', pathOf(role), { rules }, MERGE_PATCH);
}

/** Waits until the authorizer of the API server knows: it learns of roles by a watch. */
async function count(api: ApiServer, rights: readonly Right[], expected: boolean): Promise<void> {
  for (const right of rights)
    await eventually('the rules count', async () =>
      assert.equal(await isAllowed(api, right), expected, textOf(right)),
    );
}

const RBAC = '/apis/rbac.authorization.k8s.io/v1';

function pathOf({ kind, metadata: { name, namespace } }: KubernetesObject): string {
  return kind === 'ClusterRole'
    ? `${RBAC}/clusterroles/${name}`
    : `${RBAC}/namespaces/${namespace}/roles/${name}`;
}

async function isAllowed(api: ApiServer, right: Right): Promise<unknown> {
  const review = { spec: { user: right.user, ...attributesOf(right) } };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  return property(property(await api.admin.expect('POST', path, review), 'status'), 'allowed');
}

function attributesOf({ role, index, verb, resource, name }: Right): object {
  if (isPath({ resource })) return { nonResourceAttributes: { path: resource, verb } };
  const [kind, subresource] = resource.split('/');
  return {
    resourceAttributes: {
      namespace: role.kind === 'Role' ? role.metadata.namespace : undefined,
      verb,
      group: rulesOf(role)[index]?.apiGroups?.[0],
      resource: kind,
      subresource,
      name,
    },
  };
}
