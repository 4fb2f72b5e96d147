/** What is to be done next, as a decision: each step is one write, and then everything is observed again. */
import {
  certificatesIn,
  dueAt,
  isAlive,
  isForHosts,
  isSignedBy,
  isUsablePair,
  LEAF_LIFE,
} from './certificates.ts';
import { leafOf, type AgentSecret, type AgentTokens } from './agent-secret.ts';
import { aclStep, type AclStep } from './acl-plan.ts';
import { keyringStep, removalDue, type KeyringStep } from './keyring-plan.ts';
import type { Agent, BootstrapSecret, SecureObserved, Rotation } from './observed.ts';
import {
  agentKindsOf,
  leafHosts,
  tokensOf,
  type AgentKind,
  type SecureSettings,
  type TokenName,
} from './secure-settings.ts';
import type { KeptToken, RetiredCa, SecureState } from './secure-state.ts';

export type SecureStep =
  | { readonly kind: 'keep'; readonly reason: 'nothing-due'; readonly until: number }
  | { readonly kind: 'wait'; readonly reason: WaitReason; readonly detail: string; readonly until: number }
  | {
      readonly kind: 'new-ca';
      readonly reason: 'restore' | 'no-ca' | 'ca-not-yet-valid' | 'ca-expired' | 'ca-due' | 'asked';
      readonly before: SecureState;
      readonly older: readonly RetiredCa[];
      /** Another CA before it, whose key is known, signs the new one too. */
      readonly isCrossSigned: boolean;
    }
  | {
      readonly kind: 'make';
      readonly reason: 'missing' | 'asked';
      readonly before: SecureState;
      readonly gossip: 'key' | 'next' | undefined;
      readonly tokens: readonly KeptToken[];
      readonly nextTokens: readonly KeptToken[];
    }
  | {
      readonly kind: 'write-state';
      readonly reason: 'answer' | 'ca-gone' | 'gossip-used' | 'tokens-loaded';
      readonly after: SecureState;
    }
  | {
      readonly kind: 'write-bootstrap';
      readonly reason: 'missing' | 'asked' | 'next-is-known' | 'former-is-gone';
      readonly after: Omit<BootstrapSecret, 'token' | 'next'> & {
        /** Undefined: a new one is made. */
        readonly token: string | undefined;
        readonly next: 'new' | undefined;
      };
    }
  | { readonly kind: 'publish-ca'; readonly reason: 'ca-differs'; readonly bundle: string }
  | {
      readonly kind: 'write-secret';
      readonly reason: SecretReason;
      readonly of: AgentKind;
      readonly after: AgentSecret;
      /** Hosts of a new leaf; undefined: it stays. */
      readonly leaf: readonly string[] | undefined;
    }
  | {
      readonly kind: 'write-token-secret';
      readonly reason: 'token-differs';
      readonly of: TokenName;
      readonly token: string;
    }
  | { readonly kind: 'reload'; readonly reason: 'secret-not-loaded'; readonly agent: Agent }
  | { readonly kind: 'bootstrap'; readonly reason: 'acls-not-bootstrapped' }
  | AclStep
  | KeyringStep;

export type WaitReason =
  'acls-off' | 'bootstrapped-by-others' | 'agent-behind' | 'no-agent' | 'consul-unavailable';

export type SecretReason =
  | 'missing'
  | 'ca-differs'
  | 'leaf-unusable'
  | 'leaf-due'
  | 'other-ca'
  | 'other-hosts'
  | 'gossip-differs'
  | 'tokens-differ'
  | 'asked';

// The kubelet swaps the files of a Secret at its own pace.
const RELOAD_AGAIN = 5000;
// A server that has just been started serves within seconds.
const ASK_AGAIN = 1000;
export const BEHIND_AFTER = 5 * 60_000;
const BOOTSTRAP_AGAIN = 30_000;

/**
 * The first line that applies. Each is one write; nothing is written in Consul before it is in a Secret, so that an end at any
 * moment loses nothing.
 *
 * | observed                                                          | step                       |
 * | ----------------------------------------------------------------- | -------------------------- |
 * | no usable CA, a third of its life left, or asked                  | `new-ca`                   |
 * | a key or a token is missing, or its rotation is asked             | `make`, `write-bootstrap`  |
 * | the ConfigMap is not the CAs that have not left                   | `publish-ca`               |
 * | an agent's Secret is not what it should be, or its leaf is due    | `write-secret`             |
 * | an agent has not loaded its Secret                                | `reload`, each 5 s         |
 * | a server runs without ACLs                                        | `wait` acls-off            |
 * | Consul does not know our token, and takes a bootstrap             | `bootstrap`                |
 * | … and takes none                                                  | `wait` bootstrapped-by-…   |
 * | a policy, token, role, auth method is missing or different        | `put`, `put-auth-method`   |
 * | a binding rule is missing, there twice, or not wanted             | `put-rule`, `delete-rule`  |
 * | a token of ours that no Secret has                                | `delete-token`             |
 * | a member lacks the gossip key, does not use it first, has an older | `keyring`                 |
 * | something that was exchanged is in use everywhere                 | `write-state`              |
 * | an agent is behind                                                | `wait` agent-behind        |
 * | otherwise                                                         | `keep`                     |
 */
export function nextSecureStep(settings: SecureSettings, observed: SecureObserved): SecureStep {
  return (
    stateStep(settings, observed) ??
    publishStep(settings, observed) ??
    secretStep(settings, observed) ??
    reloadStep(settings, observed) ??
    aclsStep(settings, observed) ??
    gossipStep(settings, observed) ??
    finishStep(settings, observed) ??
    behindStep(settings, observed) ?? {
      kind: 'keep',
      reason: 'nothing-due',
      until: nextDue(settings, observed),
    }
  );
}

/** Lines 1 to 3. */
function stateStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  const { bootstrap, now } = observed;
  const state = observed.state ?? restored(observed);
  if (settings.tls) {
    const [own] = certificatesIn(state.ca?.certificate ?? '');
    const isAsked = isRequested(observed, state, 'ca');
    const reason =
      observed.state === undefined && state.older.length > 0
        ? 'restore'
        : own === undefined
          ? 'no-ca'
          : now < own.issued
            ? 'ca-not-yet-valid'
            : now >= own.expires
              ? 'ca-expired'
              : now >= dueAt(own)
                ? 'ca-due'
                : isAsked
                  ? 'asked'
                  : undefined;
    if (reason !== undefined) {
      const retired =
        state.ca === undefined ? [] : [{ certificate: state.ca.certificate, leavesAt: now + LEAF_LIFE }];
      return {
        kind: 'new-ca',
        reason,
        before: isAsked ? answer(observed, state, 'ca') : state,
        older: [...retired, ...state.older],
        isCrossSigned: own !== undefined && isAlive(own, now),
      };
    }
  }
  const gossip = settings.gossip && state.gossip === undefined ? 'key' : undefined;
  const tokens = keptTokens(settings).filter((name) => state.tokens[name] === undefined);
  if (gossip !== undefined || tokens.length > 0)
    return { kind: 'make', reason: 'missing', before: state, gossip, tokens, nextTokens: [] };
  if (settings.acls && bootstrap.token === undefined)
    return {
      kind: 'write-bootstrap',
      reason: 'missing',
      after: { token: undefined, next: undefined, former: undefined },
    };
  return requestStep(settings, observed, state);
}

/** What was asked for by annotation is begun by the write that also keeps the answer. */
function requestStep(
  settings: SecureSettings,
  observed: SecureObserved,
  state: SecureState,
): SecureStep | undefined {
  if (settings.gossip && state.nextGossip === undefined && isRequested(observed, state, 'gossip'))
    return {
      kind: 'make',
      reason: 'asked',
      before: answer(observed, state, 'gossip'),
      gossip: 'next',
      tokens: [],
      nextTokens: [],
    };
  if (
    settings.acls &&
    Object.keys(state.nextTokens).length === 0 &&
    isRequested(observed, state, 'agent-tokens')
  )
    return {
      kind: 'make',
      reason: 'asked',
      before: answer(observed, state, 'agent-tokens'),
      gossip: undefined,
      tokens: [],
      nextTokens: ['agent', 'dns', 'recovery'],
    };
  const { token, next, former } = observed.bootstrap;
  if (settings.acls && former === undefined && isRequested(observed, state, 'bootstrap-token'))
    return next === undefined
      ? { kind: 'write-bootstrap', reason: 'asked', after: { token, next: 'new', former: undefined } }
      : { kind: 'write-state', reason: 'answer', after: answer(observed, state, 'bootstrap-token') };
  return undefined;
}

/** Line 4. */
function publishStep(
  { tls }: SecureSettings,
  { state, publishedCa }: SecureObserved,
): SecureStep | undefined {
  const bundle = bundleOf(state);
  return !tls || bundle === publishedCa ? undefined : { kind: 'publish-ca', reason: 'ca-differs', bundle };
}

/** Line 5. */
function secretStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  for (const of of agentKindsOf(settings)) {
    const before = observed.agentSecrets[of];
    const after = {
      ...before,
      stamp: nextStamp(observed, of),
      ca: settings.tls ? bundleOf(observed.state) : '',
      gossip: settings.gossip ? gossipFor(observed, before) : undefined,
      tokens: settings.acls ? tokensFor(observed, before) : NO_TOKENS,
      answered: observed.requests['server-certificate'],
    };
    const leaf = settings.tls ? leafReason(settings, observed, of) : undefined;
    const reason = leaf ?? contentReason(before, after);
    if (reason !== undefined)
      return {
        kind: 'write-secret',
        reason,
        of,
        after,
        leaf: leaf === undefined ? undefined : leafHosts(settings, of),
      };
  }
  for (const of of tokensOf(settings)) {
    if (of !== 'ui' && of !== 'replication') continue;
    const token = observed.state?.tokens[of]?.secret;
    if (token !== undefined && observed.tokenSecrets[of] !== token)
      return { kind: 'write-token-secret', reason: 'token-differs', of, token };
  }
  return undefined;
}

// A write each second for 60 years. An agent in the wrong hands may say any number.
const STAMPS = 2 ** 31;

/** Also of a Secret that is made anew: what runs with the version of another one would pass for loaded. */
function nextStamp({ agents, agentSecrets }: SecureObserved, of: AgentKind): number {
  const loaded = agents
    .map(({ kind, state }) => (kind === of && state.kind === 'answers' ? state.stamp : 0))
    .filter((stamp) => stamp < STAMPS);
  return Math.max(agentSecrets[of].stamp, ...loaded) + 1;
}

const NO_TOKENS: AgentTokens = { agent: undefined, dns: undefined, recovery: undefined };

function contentReason(before: AgentSecret, after: AgentSecret): SecretReason | undefined {
  if (before.stamp === 0) return 'missing';
  if (before.ca !== after.ca) return 'ca-differs';
  if (before.gossip !== after.gossip) return 'gossip-differs';
  const { agent, dns, recovery } = before.tokens;
  const isSame =
    agent === after.tokens.agent && dns === after.tokens.dns && recovery === after.tokens.recovery;
  return isSame ? undefined : 'tokens-differ';
}

/** A leaf of a new CA only when every agent has loaded that CA: another agent may be the one that must accept it. */
function leafReason(
  settings: SecureSettings,
  observed: SecureObserved,
  of: AgentKind,
): SecretReason | undefined {
  const { now, state, requests } = observed;
  const secret = observed.agentSecrets[of];
  const leaf = leafOf(secret);
  const ca = state?.ca;
  if (ca === undefined) return undefined;
  if (leaf === undefined || !isAlive(leaf, now) || !isUsablePair(secret)) return 'leaf-unusable';
  const isTrusted = bundleOf(state)
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .some((each) => isSignedBy(leaf.pem, each));
  if (!isTrusted) return 'other-ca';
  const isOwn = isSignedBy(leaf.pem, ca.certificate);
  const mayExchange = isOwn || isCaLoaded(settings, observed, ca.certificate);
  // An agent may be away for longer than a leaf lasts; those that know the CA before have the cross certificate.
  if (!mayExchange && now < dueAt(leaf)) return undefined;
  if (!isOwn) return 'other-ca';
  if (!secret.certificate.includes(ca.cross ?? '')) return 'leaf-unusable';
  if (!isForHosts(leaf.pem, leafHosts(settings, of))) return 'other-hosts';
  if (now >= dueAt(leaf)) return 'leaf-due';
  const asked = requests['server-certificate'];
  return asked !== undefined && asked !== secret.answered ? 'asked' : undefined;
}

function isCaLoaded(settings: SecureSettings, observed: SecureObserved, ca: string): boolean {
  const isInSecrets = agentKindsOf(settings).every((of) => observed.agentSecrets[of].ca.includes(ca));
  return isInSecrets && isLoadedEverywhere(settings, observed);
}

/** Line 6. */
function reloadStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  const agent = behind(settings, observed).find(
    ({ pod, state }) =>
      state.kind === 'answers' &&
      observed.now >= (observed.memory.reloads.get(pod.uid) ?? -Infinity) + RELOAD_AGAIN,
  );
  return agent && { kind: 'reload', reason: 'secret-not-loaded', agent };
}

/** Agents that have not loaded their Secret. */
export function behind(settings: SecureSettings, observed: SecureObserved): readonly Agent[] {
  return observed.agents.filter((agent) => !isLoaded(settings, observed, agent));
}

function isLoaded(
  { tls }: SecureSettings,
  { agentSecrets }: SecureObserved,
  { kind, state }: Agent,
): boolean {
  if (state.kind === 'silent') return false;
  const secret = agentSecrets[kind];
  return state.stamp === secret.stamp && (!tls || state.serial === leafOf(secret)?.serial);
}

/** Of each kind at least one agent is there, and all have loaded their Secret. */
function isLoadedEverywhere(settings: SecureSettings, observed: SecureObserved): boolean {
  return observed.agents.some(({ kind }) => kind === 'server') && behind(settings, observed).length === 0;
}

/** Lines 7 to 12. */
function aclsStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  if (!settings.acls) return undefined;
  const { acl, agents, memory, now, bootstrap, state } = observed;
  if (acl.kind === 'unasked') return wait('no-agent', 'no Consul server answers', now + ASK_AGAIN);
  if (acl.kind === 'failed') return wait('consul-unavailable', acl.why, now + ASK_AGAIN);
  const off = agents.find(
    (each) => each.kind === 'server' && each.state.kind === 'answers' && !each.state.run.acls,
  );
  if (acl.kind === 'off' || off !== undefined)
    return wait('acls-off', `${off?.pod.name ?? 'a server'} runs without ACLs`, now + ASK_AGAIN);
  if (acl.kind === 'token-unknown') {
    const offUntil = (memory.aclsOffAt ?? -Infinity) + ASK_AGAIN;
    if (now < offUntil) return wait('acls-off', 'the leader runs without ACLs', offUntil);
    const closed = memory.bootstrapClosed;
    if (closed === undefined || now >= closed.at + BOOTSTRAP_AGAIN)
      return { kind: 'bootstrap', reason: 'acls-not-bootstrapped' };
    return wait('bootstrapped-by-others', `reset index ${closed.index}`, closed.at + BOOTSTRAP_AGAIN);
  }
  if (state === undefined) return undefined;
  const { token, next, former } = bootstrap;
  if (next !== undefined && acl.nextBootstrap && former === undefined)
    return {
      kind: 'write-bootstrap',
      reason: 'next-is-known',
      after: { token: next, next: undefined, former: token },
    };
  if (former !== undefined && acl.formerBootstrap === undefined)
    return {
      kind: 'write-bootstrap',
      reason: 'former-is-gone',
      after: { token, next: undefined, former: undefined },
    };
  // An agent that has not loaded its Secret may still use a token that no Secret has.
  return aclStep(settings, observed, acl, state, isLoadedEverywhere(settings, observed));
}

/** Lines 13 to 16. */
function gossipStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  const { state, agentSecrets } = observed;
  if (!settings.gossip || state?.gossip === undefined) return undefined;
  const isInSecrets = agentKindsOf(settings).every((of) => agentSecrets[of].gossip === state.nextGossip);
  return keyringStep(observed, state, isInSecrets && isLoadedEverywhere(settings, observed));
}

/** What has come to its end leaves the state. */
function finishStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  const { state, now, keyring, agentSecrets } = observed;
  if (state === undefined) return undefined;
  const staying = state.older.filter(({ leavesAt }) => now < leavesAt);
  if (staying.length < state.older.length)
    return { kind: 'write-state', reason: 'ca-gone', after: { ...state, older: staying } };
  const { nextGossip, nextTokens } = state;
  if (nextGossip !== undefined && keyring.kind === 'known') {
    const isUsed = keyring.rings.every(({ members, primary }) => primary[nextGossip] === members);
    if (isUsed)
      return {
        kind: 'write-state',
        reason: 'gossip-used',
        after: { ...state, gossip: nextGossip, nextGossip: undefined },
      };
  }
  const isNext = agentKindsOf(settings).every(
    (of) => agentSecrets[of].tokens.agent === nextTokens.agent?.secret,
  );
  if (nextTokens.agent !== undefined && isNext && isLoadedEverywhere(settings, observed))
    return {
      kind: 'write-state',
      reason: 'tokens-loaded',
      after: { ...state, tokens: { ...state.tokens, ...nextTokens }, nextTokens: {} },
    };
  return undefined;
}

function behindStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  const { memory, agentSecrets, now } = observed;
  const [agent, ...others] = behind(settings, observed);
  if (agent === undefined) return undefined;
  const { kind, pod, state } = agent;
  const detail =
    state.kind === 'silent'
      ? `${pod.name}: ${state.why}`
      : `${pod.name} ${state.stamp}/${agentSecrets[kind].stamp}`;
  const until = Math.min(
    ...[agent, ...others].map((each) => (memory.reloads.get(each.pod.uid) ?? now) + RELOAD_AGAIN),
  );
  return wait('agent-behind', others.length === 0 ? detail : `${detail} and ${others.length} more`, until);
}

function wait(reason: WaitReason, detail: string, until: number): SecureStep {
  return { kind: 'wait', reason, detail, until };
}

function nextDue(settings: SecureSettings, observed: SecureObserved): number {
  const leaves = agentKindsOf(settings).flatMap((of) => leafOf(observed.agentSecrets[of]) ?? []);
  const cas = certificatesIn(observed.state?.ca?.certificate ?? '');
  const older = observed.state?.older.map(({ leavesAt }) => leavesAt) ?? [];
  return Math.min(...[...leaves, ...cas].map(dueAt), ...older, removalDue(observed) ?? Infinity);
}

/** The CA that signs first. */
export function bundleOf(state: SecureState | undefined): string {
  const own = state?.ca === undefined ? [] : [state.ca];
  return [...own, ...(state?.older ?? [])].map(({ certificate }) => certificate).join('');
}

function keptTokens(settings: SecureSettings): readonly KeptToken[] {
  return settings.acls || settings.tls || settings.gossip ? [...tokensOf(settings), 'recovery'] : [];
}

/** The next ones as soon as Consul has them. */
function tokensFor({ state, acl }: SecureObserved, before: AgentSecret): AgentTokens {
  const { agent, dns, recovery } = state?.nextTokens ?? {};
  const isKnown =
    acl.kind === 'known' &&
    [agent, dns].every((pair) => pair !== undefined && acl.objects.has(`token/${pair.accessor}`));
  // What Consul has had stays, also while it cannot be asked.
  const isNext = isKnown || (agent !== undefined && before.tokens.agent === agent.secret);
  const { tokens = {} } = state ?? {};
  return {
    agent: (isNext ? agent : tokens.agent)?.secret,
    dns: (isNext ? dns : tokens.dns)?.secret,
    recovery: (isNext ? recovery : tokens.recovery)?.secret,
  };
}

/** The next one as soon as every member has it. */
function gossipFor({ state, keyring }: SecureObserved, before: AgentSecret): string | undefined {
  const next = state?.nextGossip;
  if (next === undefined) return state?.gossip;
  const isInstalled =
    keyring.kind === 'known' && keyring.rings.every(({ members, keys }) => keys[next] === members);
  return isInstalled || before.gossip === next ? next : state?.gossip;
}

function isRequested({ requests }: SecureObserved, { answered }: SecureState, rotation: Rotation): boolean {
  const asked = requests[rotation];
  return asked !== undefined && asked !== answered[rotation];
}

function answer({ requests }: SecureObserved, state: SecureState, rotation: Rotation): SecureState {
  return { ...state, answered: { ...state.answered, [rotation]: requests[rotation] ?? '' } };
}

/** From what agents still have, when the Secret of the loop is gone: its CA signs no more, and its tokens are made anew. */
function restored({ now, agentSecrets, publishedCa, keyring, requests }: SecureObserved): SecureState {
  const trusted = certificatesIn([publishedCa, agentSecrets.server.ca, agentSecrets.client.ca].join('\n'));
  const [ring] = keyring.kind === 'known' ? keyring.rings : [];
  const recovery = agentSecrets.server.tokens.recovery;
  return {
    ca: undefined,
    older: trusted.map(({ pem }) => ({ certificate: pem, leavesAt: now + LEAF_LIFE })),
    gossip: agentSecrets.server.gossip ?? Object.keys(ring?.primary ?? {})[0],
    nextGossip: undefined,
    // It has no accessor: no Consul knows it.
    tokens: recovery === undefined ? {} : { recovery: { accessor: '', secret: recovery } },
    nextTokens: {},
    answered: { ...requests },
  };
}
