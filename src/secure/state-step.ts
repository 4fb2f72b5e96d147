/** What the loop keeps: the CA, the keys, the tokens, and what was asked for. Each is in its Secret before anybody uses it. */
import { leafOf } from './agent-secret.ts';
import { unusableParts, type BroughtCa, type Unusable } from './brought.ts';
import { dueAt, type CertificateLife, certificatesIn } from '../support/known-certificate.ts';
import { chainsTo, isAlive, LEAF_LIFE, maySignCas } from './certificates.ts';
import { isPrimary } from './keyring-plan.ts';
import { isLoadedEverywhere, lately } from './loaded.ts';
import { asksDistrust, type Rotation, type SecureObserved } from './observed.ts';
import { agentKindsOf, tokensOf, type SecureSettings } from './secure-settings.ts';
import type { KeptToken, RetiredCa, SecureState } from './secure-state.ts';
import { wait, type SecureStep } from './secure-step.ts';
import { bundleOf, distrust, isSameCa, retire } from './signing-ca.ts';

/** Lines 1 to 3. */
export function stateStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  const { bootstrap } = observed;
  const state = observed.state ?? restored(observed);
  const newCa = settings.tls ? caStep(observed, state) : undefined;
  if (newCa !== undefined) return newCa;
  const isOwnKey = settings.gossip && observed.brought.gossip === undefined;
  const gossip = isOwnKey && state.gossip === undefined ? 'key' : undefined;
  const tokens = keptTokens(settings).filter((name) => state.tokens[name] === undefined);
  if (gossip !== undefined || tokens.length > 0)
    return { kind: 'make', reason: 'missing', before: state, gossip, tokens, nextTokens: [] };
  // Even if there is nothing to keep, Events and requests need this Secret.
  if (observed.state === undefined) return { kind: 'write-state', reason: 'missing', after: state };
  const brought = settings.gossip ? broughtGossipStep(observed, state) : undefined;
  if (brought !== undefined) return brought;
  if (settings.acls && bootstrap.token === undefined && settings.bootstrapToken === undefined)
    return {
      kind: 'write-bootstrap',
      reason: 'missing',
      after: { token: undefined, next: undefined, former: undefined },
    };
  return requestStep(settings, observed, state);
}

function caStep(observed: SecureObserved, state: SecureState): SecureStep | undefined {
  const { now, agentSecrets, brought } = observed;
  const part = brought.ca;
  if (part?.kind === 'unusable') return state.ca === undefined ? waitFor(part) : undefined;
  const [own] = certificatesIn(state.ca?.certificate ?? '');
  const reason = part === undefined ? ownCaReason(observed, state, own) : broughtCaReason(state, part.value);
  if (reason === undefined) return undefined;
  const served = [agentSecrets.server, agentSecrets.client].flatMap((each) => leafOf(each) ?? []);
  const mayCross = own !== undefined && state.ca?.key !== '' && isAlive(own, now) && maySignCas(own.pem);
  const isAsked = isRequested(observed, state, 'ca');
  const retired = { ...state, older: retire(state, part?.value, served, now) };
  return {
    kind: 'new-ca',
    reason,
    before: isAsked ? answerCa(observed, retired) : retired,
    brought: part?.value,
    isCrossSigned: mayCross && own.pem !== part?.value.certificate,
  };
}

type CaReason = Extract<SecureStep, { kind: 'new-ca' }>['reason'];

function broughtCaReason({ ca }: SecureState, brought: BroughtCa): CaReason | undefined {
  return isSameCa(ca, brought) ? undefined : 'brought';
}

/** A CA that was brought once, with its key, signs until it expires. */
function ownCaReason(
  observed: SecureObserved,
  state: SecureState,
  own: CertificateLife | undefined,
): CaReason | undefined {
  const { now } = observed;
  if (observed.state === undefined && state.older.length > 0) return 'restore';
  if (own === undefined || state.ca?.key === '') return 'no-ca';
  if (now < own.issued) return 'ca-not-yet-valid';
  if (now >= own.expires) return 'ca-expired';
  if (now >= dueAt(own)) return 'ca-due';
  return isRequested(observed, state, 'ca') ? 'asked' : undefined;
}

/** One rotation at a time: a rotation that agents have begun is finished first. */
function broughtGossipStep({ brought }: SecureObserved, state: SecureState): SecureStep | undefined {
  const part = brought.gossip;
  if (part === undefined) return undefined;
  const { gossip, nextGossip } = state;
  if (part.kind === 'unusable') return gossip === undefined ? waitFor(part) : undefined;
  const key = part.value;
  if (key === gossip || nextGossip !== undefined) return undefined;
  const after = gossip === undefined ? { ...state, gossip: key } : { ...state, nextGossip: key };
  return { kind: 'write-state', reason: 'gossip-brought', after };
}

/** Reported last: everything that is possible without it is done before. */
export function broughtStep({ brought }: SecureObserved): SecureStep | undefined {
  const [first] = unusableParts(brought);
  return first && waitFor(first);
}

function waitFor({ secret, why }: Unusable): SecureStep {
  return wait('brought-unusable', `Secret ${secret}: ${why}`, Infinity);
}

/** A rotation requested by annotation begins with the write that also records the answer. */
function requestStep(
  settings: SecureSettings,
  observed: SecureObserved,
  state: SecureState,
): SecureStep | undefined {
  const isOwnKey = settings.gossip && observed.brought.gossip === undefined;
  if (isOwnKey && state.nextGossip === undefined && isRequested(observed, state, 'gossip'))
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
    settings.external === undefined &&
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
  const isMade = settings.acls && settings.bootstrapToken === undefined;
  if (isMade && former === undefined && isRequested(observed, state, 'bootstrap-token'))
    return next === undefined
      ? { kind: 'write-bootstrap', reason: 'asked', after: { token, next: 'new', former: undefined } }
      : { kind: 'write-state', reason: 'answer', after: answer(observed, state, 'bootstrap-token') };
  return distrustStep(settings, observed, state);
}

/** The CA itself belongs to the operator: earlier ones are dropped. */
function distrustStep(
  { tls }: SecureSettings,
  observed: SecureObserved,
  state: SecureState,
): SecureStep | undefined {
  const isAsked = isRequested(observed, state, 'ca') && asksDistrust(observed);
  return tls && isAsked && observed.brought.ca?.kind === 'usable'
    ? { kind: 'write-state', reason: 'distrusted', after: answerCa(observed, state) }
    : undefined;
}

/** What has expired leaves the state. */
export function finishStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  const { now, state, keyring, agentSecrets } = observed;
  if (state === undefined) return undefined;
  const older = olderInUse(settings, observed, state);
  const distrusted = state.distrusted.filter(({ leavesAt }) => now < leavesAt);
  if (older.length < state.older.length || distrusted.length < state.distrusted.length)
    return { kind: 'write-state', reason: 'ca-gone', after: { ...state, older, distrusted } };
  const { nextGossip, nextTokens } = state;
  if (nextGossip !== undefined && isPrimary(keyring, nextGossip))
    return {
      kind: 'write-state',
      reason: 'gossip-used',
      after: { ...state, gossip: nextGossip, nextGossip: undefined },
    };
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

/** A leaf that is brought may be of a CA before, and last for longer than one that is made. */
function olderInUse(
  settings: SecureSettings,
  observed: SecureObserved,
  state: SecureState,
): SecureState['older'] {
  const { now, agentSecrets } = observed;
  // An agent may serve what it had before the Secret.
  if (lately(settings, observed).length > 0) return state.older;
  const isStaying = ({ leavesAt }: RetiredCa): boolean => now < leavesAt;
  const others = certificatesIn(bundleOf({ ...state, older: state.older.filter(isStaying) }));
  const trusted = others.map(({ pem }) => pem);
  const chains = agentKindsOf(settings)
    .map((of) => certificatesIn(agentSecrets[of].certificate).map(({ pem }) => pem))
    .filter(([leaf = '', ...behind]) => !chainsTo(leaf, behind, trusted));
  return state.older.filter((ca) => {
    const [known] = certificatesIn(ca.certificate);
    const isAnchor = chains.some(([leaf = '', ...behind]) => chainsTo(leaf, behind, [ca.certificate]));
    return isStaying(ca) || (isAnchor && known !== undefined && isAlive(known, now));
  });
}

function keptTokens(settings: SecureSettings): readonly KeptToken[] {
  return [...tokensOf(settings), ...(settings.external === undefined ? ['recovery' as const] : [])];
}

function isRequested({ requests }: SecureObserved, { answered }: SecureState, rotation: Rotation): boolean {
  const asked = requests[rotation];
  return asked !== undefined && asked !== answered[rotation];
}

function answer({ requests }: SecureObserved, state: SecureState, rotation: Rotation): SecureState {
  return { ...state, answered: { ...state.answered, [rotation]: requests[rotation] ?? '' } };
}

function answerCa(observed: SecureObserved, state: SecureState): SecureState {
  const answered = answer(observed, state, 'ca');
  return asksDistrust(observed) ? distrust(answered, answered.older, observed.now) : answered;
}

/** Rebuilt from what agents still have, when the Secret of the loop is gone: its CA signs no more, and its tokens are made again. */
function restored({ now, agentSecrets, publishedCa, keyring, requests }: SecureObserved): SecureState {
  const trusted = certificatesIn([publishedCa, agentSecrets.server.ca, agentSecrets.client.ca].join('\n'));
  const [ring] = keyring.kind === 'known' ? keyring.rings : [];
  const recovery = agentSecrets.server.tokens.recovery;
  return {
    ca: undefined,
    older: trusted.map(({ pem }) => ({ certificate: pem, leavesAt: now + LEAF_LIFE })),
    distrusted: [],
    gossip: agentSecrets.server.gossip ?? Object.keys(ring?.primary ?? {})[0],
    nextGossip: undefined,
    // It has no accessor: no Consul knows it.
    tokens: recovery === undefined ? {} : { recovery: { accessor: '', secret: recovery } },
    nextTokens: {},
    answered: { ...requests },
  };
}
