/** The rights in the roles that the chart renders, and how one of them is taken away from a running cluster. */
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
export async function haveAll(api: ApiServer, rights: readonly Right[]): Promise<void> {
  // The authorizer of the API server learns of roles by a watch.
  await eventually('all rights count', async () => {
    for (const right of rights)
      assert.equal(await isAllowed(api, right), true, `${right.verb} ${right.resource}`);
  });
}

/** Takes the verb from the resource, and waits until that counts; the other resources of the rule keep it. */
export async function takeAway(api: ApiServer, right: Right): Promise<void> {
  const rules = rulesOf(right.role).flatMap((rule, index) =>
    index === right.index ? parted(rule, right) : [rule],
  );
  await setRules(api, right, rules, false);
}

export function giveBack(api: ApiServer, right: Right): Promise<void> {
  return setRules(api, right, rulesOf(right.role), true);
}

function rulesOf(role: KubernetesObject): readonly Rule[] {
  return role['rules'] as readonly Rule[];
}

function parted(rule: Rule, { verb, resource }: Right): readonly Rule[] {
  const others = { ...rule, resources: (rule.resources ?? []).filter((each) => each !== resource) };
  const less = { ...rule, resources: [resource], verbs: rule.verbs.filter((each) => each !== verb) };
  return [others, less].filter(({ resources, verbs }) => resources.length > 0 && verbs.length > 0);
}

async function setRules(
  api: ApiServer,
  right: Right,
  rules: readonly Rule[],
  expected: boolean,
): Promise<void> {
  await api.admin.expect('PATCH', pathOf(right.role), { rules }, MERGE_PATCH);
  // The authorizer of the API server learns of it by a watch.
  await eventually('the rules count', async () => assert.equal(await isAllowed(api, right), expected));
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
