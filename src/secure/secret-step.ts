/** What the agents and the readers of the CA get from the state. */
import { isDeepStrictEqual } from 'node:util';
import { leafOf, type AgentSecret, type AgentTokens } from './agent-secret.ts';
import type { BroughtLeaf } from './brought.ts';
import { dueAt, certificatesIn, isSignedBy } from '../support/known-certificate.ts';
import { isAlive, isForHosts, isUsablePair, chainsTo, LEAF_LIFE } from './certificates.ts';
import { isLoadedEverywhere, lately } from './loaded.ts';
import type { SecureObserved } from './observed.ts';
import { agentKindsOf, leafHosts, tokensOf, type AgentKind, type SecureSettings } from './secure-settings.ts';
import type { SecretReason, SecureStep } from './secure-step.ts';
import { behindLeaf, bundleOf, isDistrusting } from './signing-ca.ts';

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
    const leaf = settings.tls ? leafChange(settings, observed, of) : undefined;
    // Its pods wait for the Secret, and would fail without a certificate.
    if (settings.tls && leaf === undefined && leafOf(before) === undefined) continue;
    const after = {
      ...before,
      ...leaf?.pair,
      stamp: nextStamp(observed, of),
      ca: settings.tls ? bundleOf(observed.state) : '',
      gossip: settings.gossip ? gossipFor(observed, before) : undefined,
      tokens: settings.acls ? tokensFor(observed, before) : NO_TOKENS,
      answered: observed.requests['server-certificate'],
    };
    const reason = leaf?.reason ?? contentReason(before, after);
    const isMade = leaf !== undefined && leaf.pair === undefined;
    if (reason !== undefined)
      return {
        kind: 'write-secret',
        reason,
        of,
        after,
        leaf: isMade ? leafHosts(settings, of) : undefined,
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

// A write each second for 60 years. A compromised agent may report any number.
const STAMPS = 2 ** 31;

/** Includes a Secret that is recreated: agents with the version of the former one would seem to have loaded it. */
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
  return isDeepStrictEqual(before.tokens, after.tokens) ? undefined : 'tokens-differ';
}

type LeafChange = {
  readonly reason: SecretReason;
  /** Undefined: a new one is made. */
  readonly pair: BroughtLeaf | undefined;
};

function leafChange(
  settings: SecureSettings,
  observed: SecureObserved,
  of: AgentKind,
): LeafChange | undefined {
  const part = observed.brought[of];
  if (part?.kind === 'usable') return broughtChange(settings, observed, of, part.value);
  const reason = part === undefined ? leafReason(settings, observed, of) : undefined;
  return reason && { reason, pair: undefined };
}

function broughtChange(
  settings: SecureSettings,
  observed: SecureObserved,
  of: AgentKind,
  { certificate, key }: BroughtLeaf,
): LeafChange | undefined {
  const { now, state } = observed;
  const before = observed.agentSecrets[of];
  const pair = { certificate: certificate + (state?.ca?.cross ?? ''), key };
  if (before.certificate === pair.certificate && before.key === key) return undefined;
  const current = leafOf(before);
  const [leaf, ...behind] = certificatesIn(certificate).map(({ pem }) => pem);
  const isTrusted = (ca: string): boolean => chainsTo(leaf ?? '', behind, [ca]);
  const isExchangeable =
    current === undefined ||
    now >= dueAt(current) ||
    certificatesIn(bundleOf(state)).some(({ pem }) => isTrusted(pem) && isCaLoaded(settings, observed, pem));
  return isExchangeable ? { reason: 'brought', pair } : undefined;
}

/** A leaf of a new CA is issued only when every agent has loaded that CA: another agent may be the one that must accept it. */
function leafReason(
  settings: SecureSettings,
  observed: SecureObserved,
  of: AgentKind,
): SecretReason | undefined {
  const { now, state, requests } = observed;
  const secret = observed.agentSecrets[of];
  const leaf = leafOf(secret);
  const ca = state?.ca;
  // Without its key, the leaves are brought.
  if (ca === undefined || ca.key === '') return undefined;
  const [signing] = certificatesIn(ca.certificate);
  // Nobody accepts what an expired CA signs: one that is brought stays until the next is usable.
  if (signing === undefined || !isAlive(signing, now)) return undefined;
  if (leaf === undefined || !isAlive(leaf, now) || !isUsablePair(secret)) return 'leaf-unusable';
  const isTrusted = certificatesIn(bundleOf(state)).some(({ pem }) => isSignedBy(leaf.pem, pem));
  if (!isTrusted) return 'other-ca';
  const isOwn = isSignedBy(leaf.pem, ca.certificate);
  const mayExchange = isOwn || isCaLoaded(settings, observed, ca.certificate);
  // An agent may be away for longer than a leaf lasts; those that know the CA before have the cross certificate.
  if (!mayExchange && now < dueAt(leaf)) return undefined;
  if (!isOwn) return 'other-ca';
  if (secret.certificate !== leaf.pem + behindLeaf(ca)) return 'other-chain';
  if (!isForHosts(leaf.pem, leafHosts(settings, of))) return 'other-hosts';
  // No leaf outlives its CA: near the end of the CA, each leaf would last for a third of the previous one.
  const isLonger = Math.min(now + LEAF_LIFE, signing.expires) > leaf.expires;
  if (isLonger && now >= dueAt(leaf)) return 'leaf-due';
  const asked = requests['server-certificate'];
  return asked !== undefined && asked !== secret.answered ? 'asked' : undefined;
}

function isCaLoaded(settings: SecureSettings, observed: SecureObserved, ca: string): boolean {
  const isInSecrets = agentKindsOf(settings).every((of) => observed.agentSecrets[of].ca.includes(ca));
  const { state, now } = observed;
  const isUrgent = state !== undefined && isDistrusting(state, now);
  return (
    isInSecrets &&
    (isUrgent ? lately(settings, observed).length === 0 : isLoadedEverywhere(settings, observed))
  );
}

/** The next ones as soon as Consul has them. */
function tokensFor({ state, acl }: SecureObserved, before: AgentSecret): AgentTokens {
  const { agent, dns, recovery } = state?.nextTokens ?? {};
  const isKnown =
    acl.kind === 'known' &&
    [agent, dns].every((pair) => pair !== undefined && acl.objects.has(`token/${pair.accessor}`));
  // What Consul once had stays, even while Consul cannot be asked.
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
