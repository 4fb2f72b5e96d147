/** What a ServiceAccount asks of the API server, by the audit log, against the roles that it has. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesObject } from '../harness/api-client.ts';
import type { Scene } from '../harness/scene.ts';

export type AuditedRequest = {
  readonly verb: string;
  /** `serviceaccounts/token`, or a path that is no resource. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: number;
};

type Rule = {
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};

type Entry = {
  readonly verb: string;
  readonly requestURI: string;
  readonly responseStatus?: { readonly code: number };
  readonly objectRef?: Readonly<Partial<Record<'resource' | 'subresource' | 'namespace' | 'name', string>>>;
};

/** @param user whose requests are written down */
export function startAudit(scene: Scene, user: string) {
  const [policy, log] = ['audit-policy.json', 'audit.log'].map((name) => join(scene.folder, name));
  const rules = [{ level: 'Metadata', users: [user] }, { level: 'None' }];
  const kind = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy' };
  writeFileSync(policy ?? '', JSON.stringify({ ...kind, omitStages: ['RequestReceived'], rules }));
  return {
    arguments: [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`],
    requests: (): readonly AuditedRequest[] =>
      readFileSync(log ?? '', 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => requestOf(JSON.parse(line) as Entry)),
  };
}

function requestOf({ verb, requestURI, responseStatus, objectRef }: Entry): AuditedRequest {
  const { resource, subresource, namespace = '', name = '' } = objectRef ?? {};
  const of = subresource === undefined ? resource : `${resource}/${subresource}`;
  return { verb, resource: of ?? requestURI, namespace, name, status: responseStatus?.code ?? 0 };
}

/** Verbs and names in the roles that none of the requests needed; of a ClusterRole, outside of the namespace that has its own. */
export function unusedRights(
  roles: readonly KubernetesObject[],
  namespace: string,
  requests: readonly AuditedRequest[],
): readonly string[] {
  return roles.flatMap((role) =>
    (role['rules'] as readonly Rule[]).flatMap((rule) => {
      const { resources = [], nonResourceURLs = [], resourceNames, verbs } = rule;
      return [...resources, ...nonResourceURLs].flatMap((resource) => {
        const matching = requests.filter(
          (each) =>
            each.resource === resource &&
            (role.kind === 'ClusterRole') === (each.namespace !== namespace) &&
            (resourceNames?.includes(each.name) ?? true),
        );
        const ofVerbs = verbs.filter((verb) => !matching.some((each) => each.verb === verb));
        const ofNames = (resourceNames ?? []).filter((name) => !matching.some((each) => each.name === name));
        return [...ofVerbs, ...ofNames].map((what) => `${role.kind}: ${what} ${resource}`);
      });
    }),
  );
}
