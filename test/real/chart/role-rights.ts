/** The rights in the roles that the chart renders, and how some of them are taken away from a running cluster. */
import assert from 'node:assert/strict';
import { property } from '../../../src/support/json.ts';
import { MERGE_PATCH, type KubernetesObject } from '../harness/api-client.ts';
import type { ApiServer } from '../harness/api-server.ts';
import type { Rendered } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';

export type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};
export type Right = {
  readonly role: KubernetesObject;
  /** Of its rule in the role. */
  readonly index: number;
  readonly verb: string;
  readonly resource: string;
  /** Who has it. */
  readonly user: string;
};

/** Of every role of a part, one by one; paths that are no resources are left out. */
export function rightsOf(
  chart: Rendered,
  part: 'webhook' | 'sync' | 'secure',
  user = `system:serviceaccount:tandem:tandem-${part}`,
): readonly Right[] {
  const roles = chart.objects.filter(
    ({ kind, metadata }) =>
      kind?.endsWith('Role') && metadata.labels?.['app.kubernetes.io/component'] === part,
  );
  return roles.flatMap((role) =>
    rulesOf(role).flatMap(({ resources = [], verbs }, index) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ role, index, verb, resource, user }))),
    ),
  );
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

/** A rule for each resource of this one, without what is taken. */
function parted(rule: Rule, taken: readonly Right[]): readonly Rule[] {
  if (taken.length === 0) return [rule];
  return (rule.resources ?? []).flatMap((resource) => {
    const isTaken = (verb: string): boolean =>
      taken.some((right) => right.resource === resource && right.verb === verb);
    const verbs = rule.verbs.filter((verb) => !isTaken(verb));
    return verbs.length === 0 ? [] : [{ ...rule, resources: [resource], verbs }];
  });
}

async function setRules(api: ApiServer, role: KubernetesObject, rules: readonly Rule[]): Promise<void> {
  await api.admin.expect('PATCH', pathOf(role), { rules }, MERGE_PATCH);
}

/** Waits until the authorizer of the API server knows: it learns of roles by a watch. */
async function count(api: ApiServer, rights: readonly Right[], expected: boolean): Promise<void> {
  for (const right of rights)
    await eventually('the rules count', async () =>
      assert.equal(await isAllowed(api, right), expected, `${right.verb} ${right.resource}`),
    );
}

function pathOf({ kind, metadata: { name, namespace } }: KubernetesObject): string {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  return kind === 'ClusterRole'
    ? `${rbac}/clusterroles/${name}`
    : `${rbac}/namespaces/${namespace}/roles/${name}`;
}

async function isAllowed(api: ApiServer, { role, index, verb, resource, user }: Right): Promise<unknown> {
  const rule = rulesOf(role)[index];
  const resourceAttributes = {
    namespace: role.kind === 'Role' ? role.metadata.namespace : undefined,
    verb,
    group: rule?.apiGroups[0],
    resource,
    name: rule?.resourceNames?.[0],
  };
  const review = { spec: { user, resourceAttributes } };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  return property(property(await api.admin.expect('POST', path, review), 'status'), 'allowed');
}
