/** The ACL objects that a secure Consul has, with the least rights. */
import { syntheticNodePrefix } from '../inject/names.ts';
import type { JsonObject } from '../support/json.ts';
import {
  aclName,
  objectNames,
  tokensOf,
  type SecureSettings,
  type SyncDirection,
  type TokenName,
} from './secure-settings.ts';
import type { SecureState, TokenPair } from './secure-state.ts';

export type AclKind = 'policy' | 'token' | 'role' | 'auth-method';

export type AclObject = {
  readonly kind: AclKind;
  /** Of a token, its accessor. */
  readonly name: string;
  readonly body: JsonObject;
};

export type BindingRule = {
  readonly method: string;
  readonly type: 'service' | 'role';
  readonly bindName: string;
  readonly selector: string;
};

// Consul takes a misspelt rule without a word: a test takes each line away.
const READ_ALL = ['node_prefix "" { policy = "read" }', 'service_prefix "" { policy = "read" }'];
const AGENT = ['node_prefix "" { policy = "write" }', 'service_prefix "" { policy = "read" }'];
const UI = [
  'node_prefix "" { policy = "read" }',
  'service_prefix "" { policy = "read" intentions = "read" }',
];
const REPLICATION = [
  'acl = "write"',
  'operator = "write"',
  'agent_prefix "" { policy = "read" }',
  'node_prefix "" { policy = "write" }',
  'service_prefix "" { policy = "write" intentions = "read" }',
];

const tokenRules: Readonly<Record<TokenName, readonly string[]>> = {
  agent: AGENT,
  dns: READ_ALL,
  ui: UI,
  replication: REPLICATION,
};

function directionRules(
  direction: SyncDirection,
  { owner, consulPrefix }: SecureSettings,
): readonly string[] {
  switch (direction) {
    case 'to-consul':
      return [
        `node ${JSON.stringify(`k8s-sync-${owner}`)} { policy = "write" }`,
        'node_prefix "" { policy = "read" }',
        `service_prefix ${JSON.stringify(consulPrefix)} { policy = "write" }`,
      ];
    case 'to-kubernetes':
      return READ_ALL;
    case 'config-entries':
      return ['mesh = "write"', 'service_prefix "" { policy = "write" intentions = "write" }'];
    case 'registrar-agent':
      return ['node_prefix "" { policy = "read" }', 'service_prefix "" { policy = "write" }'];
    case 'registrar-dataplane':
      return [
        `node_prefix ${JSON.stringify(syntheticNodePrefix(owner))} { policy = "write" }`,
        'node_prefix "" { policy = "read" }',
        'service_prefix "" { policy = "write" }',
      ];
  }
}

/** The text that marks an object as ours: another object of its name is left alone. */
export function descriptionOf(settings: SecureSettings, what: string): string {
  const { external } = settings;
  return `tandem: ${what}${endOf(settings)}${external === undefined ? '' : ` (${external.cluster})`}`;
}

/** Also without the UID of the cluster: an earlier version wrote none. */
export function isOurs(description: string, settings: SecureSettings): boolean {
  const end = endOf(settings);
  const ends = [end, `${end} (${settings.external?.cluster})`];
  return description.startsWith('tandem:') && ends.some((each) => description.endsWith(each));
}

/** UID of the other cluster with the same name and owner to which it belongs; undefined when there is none. */
export function twinOf(description: string, settings: SecureSettings): string | undefined {
  if (settings.external === undefined || isOurs(description, settings)) return undefined;
  const [before, uid] = /^(tandem:.*) \(([0-9a-f-]+)\)$/.exec(description)?.slice(1) ?? [];
  return before?.endsWith(endOf(settings)) === true ? uid : undefined;
}

function endOf({ name, owner }: SecureSettings): string {
  return ` of ${name}, cluster ${owner}`;
}

/** But those by which pods log in. In the order in which they are made: each needs only what is before it. */
export function aclObjects(settings: SecureSettings, state: SecureState): readonly AclObject[] {
  const policy = (of: string, rules: readonly string[]): AclObject => ({
    kind: 'policy',
    name: aclName(settings, of),
    body: {
      Name: aclName(settings, of),
      Description: descriptionOf(settings, `policy ${of}`),
      Rules: rules.join('\n'),
    },
  });
  const role = (of: string, policies: readonly string[]): AclObject => ({
    kind: 'role',
    name: aclName(settings, of),
    body: {
      Name: aclName(settings, of),
      Description: descriptionOf(settings, `role ${of}`),
      Policies: policies.map((each) => ({ Name: aclName(settings, each) })),
    },
  });
  const { syncDirections: directions, helmTest } = settings;
  const tokens = tokensOf(settings);
  return [
    ...tokens.map((name) => policy(name, tokenRules[name])),
    ...directions.map((direction) => policy(`sync-${direction}`, directionRules(direction, settings))),
    ...(helmTest ? [policy('test', READ_ALL)] : []),
    ...tokens.flatMap((name) => [state.tokens[name], state.nextTokens[name]].flatMap(tokenObject(name))),
    ...(directions.length === 0
      ? []
      : [
          role(
            'sync',
            directions.map((direction) => `sync-${direction}`),
          ),
        ]),
    ...(helmTest ? [role('test', ['test'])] : []),
    ...(directions.length > 0 || helmTest ? [kubernetesMethod(settings, 'k8s-component-auth-method')] : []),
  ];

  function tokenObject(of: TokenName) {
    return (pair: TokenPair | undefined): readonly AclObject[] => {
      if (pair === undefined) return [];
      const { accessor, secret } = pair;
      const body = {
        AccessorID: accessor,
        SecretID: secret,
        Description: descriptionOf(settings, `token ${of}`),
        Policies: [{ Name: aclName(settings, of) }],
        Local: true,
      };
      return [{ kind: 'token', name: accessor, body }];
    };
  }
}

/** Without the token of its reviewer, which is asked for when it is written. */
export function kubernetesMethod(
  settings: SecureSettings,
  of: 'k8s-auth-method' | 'k8s-component-auth-method',
): AclObject {
  const { host, ca } = settings.apiServer;
  return {
    kind: 'auth-method',
    name: aclName(settings, of),
    body: {
      Name: aclName(settings, of),
      Description: descriptionOf(settings, of === 'k8s-auth-method' ? 'pods' : 'components'),
      Type: 'kubernetes',
      // consul-dataplane never logs in again, so that its token must not end; Tandem does.
      ...(of === 'k8s-auth-method' ? {} : { MaxTokenTTL: '24h0m0s' }),
      Config: { Host: host, CACert: ca },
    },
  };
}

/** They bind namespace and name: by name alone, whoever makes a ServiceAccount anywhere gets the role. */
export function componentRules(settings: SecureSettings): readonly BindingRule[] {
  const { name, namespace, syncDirections: directions, helmTest } = settings;
  const names = objectNames(name);
  const component = (of: 'sync' | 'test'): BindingRule => ({
    method: aclName(settings, 'k8s-component-auth-method'),
    type: 'role',
    bindName: aclName(settings, of),
    selector: `serviceaccount.namespace==${JSON.stringify(namespace)} and serviceaccount.name==${JSON.stringify(names[of])}`,
  });
  return [...(directions.length > 0 ? [component('sync')] : []), ...(helmTest ? [component('test')] : [])];
}
