/** What the agents and the readers of the CA get from the state. */
import { leafOf, type AgentSecret, type AgentTokens } from './agent-secret.ts';
import { certificatesIn, dueAt, isAlive, isForHosts, isSignedBy, isUsablePair } from './certificates.ts';
import { isLoadedEverywhere } from './loaded.ts';
import type { SecureObserved } from './observed.ts';
import { agentKindsOf, leafHosts, tokensOf, type AgentKind, type SecureSettings } from './secure-settings.ts';
import type { SecureState } from './secure-state.ts';
import type { SecretReason, SecureStep } from './secure-step.ts';

/** Line 4. */
export function publishStep(
  { tls }: SecureSettings,
  { state, publishedCa }: SecureObserved,
): SecureStep | undefined {
  const bundle = bundleOf(state);
  return !tls || bundle === publishedCa ? undefined : { kind: 'publish-ca', reason: 'ca-differs', bundle };
}

/** Line 5. */
export function secretStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
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
  const isTrusted = certificatesIn(bundleOf(state)).some(({ pem }) => isSignedBy(leaf.pem, pem));
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

/** The CA that signs first. */
export function bundleOf(state: SecureState | undefined): string {
  const own = state?.ca === undefined ? [] : [state.ca];
  return [...own, ...(state?.older ?? [])].map(({ certificate }) => certificate).join('');
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
