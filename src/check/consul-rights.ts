/** The rights in Consul that each part of Tandem needs (docs/install.md, "The policy of the token"). */
import { firstOf } from '../support/listed.ts';
import { quote } from '../support/text.ts';
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';
import { consulFix } from './fix-of.ts';

/** One rule of a policy. */
type ConsulRule =
  | {
      readonly resource: 'node' | 'service';
      readonly access: 'read' | 'write';
      /** Of the nodes or services; the empty prefix means all of them. */
      readonly name: string;
      readonly isPrefix: boolean;
    }
  | { readonly resource: 'acl'; readonly access: 'write' }
  | { readonly resource: 'mesh'; readonly access: 'write' }
  /** Of every service. */
  | { readonly resource: 'intention'; readonly access: 'write' };

export type ConsulRight = { readonly rule: ConsulRule; readonly isAllowed: boolean };

export type ConsulNeeds = {
  /** Kubernetes → Consul is on. */
  readonly toConsul:
    | {
        /** On which the instances are; undefined when the owner is not known. */
        readonly node: string | undefined;
        /** Names that are registered. */
        readonly services: readonly string[];
      }
    | undefined;
  readonly registrar:
    | {
        /** The prefix of nodes in dataplane mode; undefined in agent mode, and when the owner is not known. */
        readonly nodes: string | undefined;
        /** Tokens of pods that are gone are deleted. */
        readonly deletesTokens: boolean;
      }
    | undefined;
  /** Consul → Kubernetes is on. */
  readonly toK8s: boolean;
  /** Config entries are written. */
  readonly configEntries: boolean;
};

/**
 * A token that may write may read. An instance is removed with the right to write its service, wherever it is, so agent mode
 * writes no node; only the synthetic nodes of dataplane mode and the node of the sync are made and removed (Consul,
 * agent/consul/acl.go, `vetRegisterWithACL` and `vetDeregisterWithACL`).
 */
export function neededConsulRules({
  toConsul,
  registrar,
  toK8s,
  configEntries,
}: ConsulNeeds): readonly ConsulRule[] {
  const readsAll = registrar !== undefined || toK8s;
  const entries: readonly ConsulRule[] = [
    { resource: 'mesh', access: 'write' },
    { resource: 'intention', access: 'write' },
    ...(registrar === undefined ? [prefix('service', 'write', '')] : []),
  ];
  return [
    ...(configEntries ? entries : []),
    ...(readsAll ? [prefix('node', 'read', '')] : []),
    ...(readsAll ? [prefix('service', registrar === undefined ? 'read' : 'write', '')] : []),
    ...(registrar?.nodes === undefined ? [] : [prefix('node', 'write', registrar.nodes)]),
    ...(registrar?.deletesTokens === true ? [{ resource: 'acl', access: 'write' } as const] : []),
    ...(toConsul?.node === undefined ? [] : [named('node', 'write', toConsul.node)]),
    ...(toConsul?.services ?? []).map((name) => named('service', 'write', name)),
  ];
}

type CatalogRule = Extract<ConsulRule, { readonly name: string }>;

function prefix(resource: CatalogRule['resource'], access: CatalogRule['access'], name: string): CatalogRule {
  return { resource, access, name, isPrefix: true };
}

function named(resource: CatalogRule['resource'], access: CatalogRule['access'], name: string): CatalogRule {
  return { resource, access, name, isPrefix: false };
}

// A policy without any rule for services lacks one for each of them, and the rest of the findings must stay in sight.
const SHOWN_RIGHTS = 10;

/** A line for each right that is missing, as the rule that gives it; if very many are missing, for the first ones. */
export function consulRightsFindings(rights: Probe<readonly ConsulRight[]>): readonly Finding[] {
  if (rights.kind === 'failed') {
    const fix = 'make sure that its policy allows it to write the node and the services of the sync';
    return [warning('token-rights', `unknown: ${rights.reason}`, consulFix(rights, fix))];
  }
  const missing = rights.value.filter(({ isAllowed }) => !isAllowed);
  if (missing.length === 0)
    return [ok('token-rights', `all ${rights.value.length} rights that are needed are granted`)];
  return firstOf(
    missing,
    SHOWN_RIGHTS,
    ({ rule }) => missingRule(rule),
    (left) => failure('token-rights', `${left} more rights are missing`, 'give the token a service_prefix'),
  );
}

function missingRule(rule: ConsulRule): Finding {
  if (rule.resource === 'acl')
    return warning(
      'token-rights',
      'the token may not delete the tokens of pods that are gone, so these stay',
      `add to its policy: ${ruleText(rule)}, which is the right to create any token; or leave it as it is`,
    );
  return failure(
    'token-rights',
    `the token may not ${rule.access} ${subjectOf(rule)}`,
    `add to its policy: ${ruleText(rule)}`,
  );
}

function subjectOf(rule: ConsulRule): string {
  if (rule.resource === 'mesh') return 'config entries of the mesh';
  if (rule.resource === 'intention') return 'intentions';
  if (rule.resource === 'acl') return 'ACLs';
  const { resource, name, isPrefix } = rule;
  if (!isPrefix) return `the ${resource} ${quote(name)}`;
  return name === '' ? `every ${resource}` : `the ${resource}s that begin with ${quote(name)}`;
}

/** As it is written in a policy. */
function ruleText(rule: ConsulRule): string {
  if (rule.resource === 'intention') return 'service_prefix "" { policy = "write" intentions = "write" }';
  if (rule.resource === 'acl' || rule.resource === 'mesh') return `${rule.resource} = "${rule.access}"`;
  const { resource, name, isPrefix } = rule;
  return `${resource}${isPrefix ? '_prefix' : ''} ${JSON.stringify(name)} { policy = "${rule.access}" }`;
}
