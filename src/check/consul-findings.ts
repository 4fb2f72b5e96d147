/** What the facts of Consul mean for Tandem. */
import { quote } from '../support/text.ts';
import { consulRightsFindings, type ConsulRight } from './consul-rights.ts';
import { meshFindings, type MeshFacts, type SidecarLimits } from './mesh-findings.ts';
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';
import { consulFix, type Failed } from './fix-of.ts';

export type ConsulFacts = {
  /** Undefined when there is none. */
  readonly leader: Probe<string | undefined>;
  /** Version as Consul writes it, such as 1.20.6+ent. */
  readonly agent: Probe<{ readonly version: string; readonly datacenter: string }>;
  readonly connect: Probe<boolean>;
  readonly token: Probe<TokenFact>;
  readonly node: NodeRead;
  readonly rights: Probe<readonly ConsulRight[]>;
  /** The datacenter that keeps the config entries, of which one was read there; undefined where they are off. */
  readonly entries: Probe<string> | undefined;
  /** Undefined where the account is for a part that does not need it. */
  readonly mesh: MeshFacts | undefined;
};

export type NodeRead =
  /** The owner is not known, so the node is neither. */
  | { readonly kind: 'unknown' }
  /** Nothing is registered on it. */
  | { readonly kind: 'not-needed' }
  /** `value`: the answer is whole, as the token may see all of it. */
  | { readonly kind: 'asked'; readonly name: string; readonly isWhole: Probe<boolean> };

export type TokenFact =
  | { readonly kind: 'acls-off' }
  /** No token is given. */
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'token'; readonly accessor: string };

/** Transactions of 128 operations, which a batch may have (Consul 1.14, "txn: raise the limit"). */
const OLDEST = { major: 1, minor: 14 };

/** @param limits of sidecars with redirected traffic; undefined when the cluster was not asked */
export function consulFindings(facts: Probe<ConsulFacts>, limits?: SidecarLimits): readonly Finding[] {
  if (facts.kind === 'failed') return [unusable(facts)];
  const { leader, agent, connect, token, node, rights, entries, mesh } = facts.value;
  // If nothing answers, all other findings would say the same.
  if (leader.kind === 'failed') return [unusable(leader)];
  return [
    leaderFinding(leader.value),
    versionFinding(agent),
    connectFinding(connect),
    tokenFinding(token, rights),
    ...(needsRights(token) ? [...nodeFindings(node), ...consulRightsFindings(rights)] : []),
    ...(entries === undefined ? [] : [keeperFinding(entries)]),
    ...(mesh === undefined ? [] : meshFindings(mesh, limits)),
  ];
}

function keeperFinding(entries: Probe<string>): Finding {
  return entries.kind === 'seen'
    ? ok('config-entries', `the datacenter ${entries.value} keeps them, and answers`)
    : failure(
        'config-entries',
        `they cannot be read in the datacenter that keeps them: ${entries.reason}`,
        'make sure that the servers of the primary datacenter are reached (consul members -wan), or set --consul-primary-datacenter',
      );
}

/** Asking who leads needs no rights, so the fix is never about the token. */
function unusable(failed: Failed): Finding {
  return failure('consul', failed.reason, consulFix(failed));
}

function leaderFinding(leader: string | undefined): Finding {
  return leader === undefined
    ? failure(
        'consul',
        'the servers have no leader: nothing can be written',
        'start more than half of the servers (consul operator raft list-peers), and make sure that they reach each other',
      )
    : ok('consul', `answers, and its leader is ${leader}`);
}

function versionFinding(agent: ConsulFacts['agent']): Finding {
  if (agent.kind === 'failed') {
    const fix =
      'give the token agent_prefix "" { policy = "read" } to let it be checked; the sync works without it';
    return warning('consul-version', `unknown: ${agent.reason}`, consulFix(agent, fix));
  }
  const { version, datacenter } = agent.value;
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const seen = `Consul ${version} of datacenter ${datacenter}`;
  const isOld =
    Number(major) < OLDEST.major || (Number(major) === OLDEST.major && Number(minor) < OLDEST.minor);
  return major === undefined || isOld
    ? failure('consul-version', seen, `upgrade Consul to ${OLDEST.major}.${OLDEST.minor} or newer`)
    : ok('consul-version', seen);
}

function connectFinding(connect: Probe<boolean>): Finding {
  if (connect.kind === 'failed')
    return warning(
      'connect',
      `unknown: ${connect.reason}`,
      consulFix(connect, 'try again when Consul is healthy'),
    );
  return connect.value
    ? ok('connect', 'is on and has a CA')
    : failure(
        'connect',
        'is off: injected pods get no certificates',
        'set connect { enabled = true } on the servers',
      );
}

function tokenFinding(token: Probe<TokenFact>, rights: ConsulFacts['rights']): Finding {
  if (token.kind === 'failed')
    return failure(
      'token',
      token.reason,
      consulFix(
        token,
        'set a valid token with CONSUL_HTTP_TOKEN or --consul-token-file, or log in with --consul-auth-method',
      ),
    );
  switch (token.value.kind) {
    case 'acls-off':
      return warning(
        'token',
        'not needed: ACLs are off, so whoever reaches Consul can change everything in it and fetch the private key of any service',
        'set global.secure in the chart, or switch on ACLs (acl { enabled = true, default_policy = "deny" }) and TLS',
      );
    case 'anonymous':
      return isEverybodyAllowed(rights)
        ? warning(
            'token',
            'not needed: ACLs are on, but Consul lets anyone who reaches it do everything that is needed here',
            'deny by default (default_policy = "deny"), which global.secure of the chart does in its last stage, require',
          )
        : warning(
            'token',
            'missing, and ACLs are on',
            'set one with CONSUL_HTTP_TOKEN or --consul-token-file',
          );
    case 'token':
      return ok('token', `is valid; its accessor is ${token.value.accessor}`);
  }
}

/** The default policy allows, as in the stages `accept` and `prefer`. It never gives `acl`, which may be missing. */
function isEverybodyAllowed(rights: ConsulFacts['rights']): boolean {
  if (rights.kind === 'failed') return false;
  const needed = rights.value.filter(({ rule }) => rule.resource !== 'acl');
  return needed.length > 0 && needed.every(({ isAllowed }) => isAllowed);
}

/** Without a valid token nothing is allowed, and without ACLs everything is. */
function needsRights(token: Probe<TokenFact>): boolean {
  return token.kind === 'seen' && token.value.kind !== 'acls-off';
}

function nodeFindings(node: NodeRead): readonly Finding[] {
  if (node.kind === 'unknown')
    return [
      warning(
        'token-rights',
        'the nodes that the sync writes are not known, so the rights on them cannot be checked',
        'give --owner',
      ),
    ];
  if (node.kind === 'not-needed') return [];
  const { name, isWhole } = node;
  if (isWhole.kind === 'failed')
    return [
      failure(
        'token-rights',
        `the node ${quote(name)} cannot be read: ${isWhole.reason}`,
        consulFix(isWhole, readRule(name)),
      ),
    ];
  if (isWhole.value) return [];
  const seen = `the token does not show all services of the node ${quote(name)}, so the sync changes nothing there`;
  return [failure('token-rights', seen, readRule(name))];
}

function readRule(node: string): string {
  return `add to its policy: node ${JSON.stringify(node)} { policy = "write" } service_prefix "" { policy = "read" }`;
}
