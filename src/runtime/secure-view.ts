/** What `tandem secure` sees of Consul: each agent, and through one of the servers the ACLs and the keyring. */
import type { ConsulPlace } from '../consul/secure-calls.ts';
import type { SecureConsul } from '../consul/secure-consul.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';
import { aclObjects, isOurs, type AclObject } from '../secure/acl-objects.ts';
import {
  aclKey,
  type Agent,
  type SeenAgentState,
  type Keyring,
  type ObservedAcl,
  type SecureObserved,
  type SeenObject,
} from '../secure/observed.ts';
import { podMethodNames } from '../secure/pod-auth-method.ts';
import { aclName, tokenNames, type AgentKind, type SecureSettings } from '../secure/secure-settings.ts';
import type { SecureState } from '../secure/secure-state.ts';
import { isIpAddress, hostAndPort } from '../support/ip-address.ts';
import { hasCode, reasonOf, TandemError } from '../support/errors.ts';
import { asString, property, textAt } from '../support/json.ts';
import { secret, type Secret } from '../support/secret.ts';
import type { SecureObjects } from './secure-objects.ts';

export type AgentPod = { readonly name: string; readonly uid: string; readonly address: string };

const HTTPS_PORT = 8501;
const HTTP_PORT = 8500;

/** Undefined while it has no address, and when it has ended. */
export function readAgentPod(object: unknown): AgentPod | undefined {
  const [metadata, status] = [property(object, 'metadata'), property(object, 'status')];
  const [name, uid] = [asString(property(metadata, 'name')), asString(property(metadata, 'uid'))];
  const [address, phase] = [textAt(status, 'podIP'), asString(property(status, 'phase'))];
  if (name === undefined || uid === undefined || phase !== 'Running' || !isIpAddress(address))
    return undefined;
  return property(metadata, 'deletionTimestamp') === undefined ? { name, uid, address } : undefined;
}

export function placeOfAgent(
  { tls, datacenter, domain }: SecureSettings,
  kind: AgentKind,
  addresses: readonly string[],
): ConsulPlace {
  const port = tls ? HTTPS_PORT : HTTP_PORT;
  return {
    addresses: addresses.map((each) => `${tls ? 'https' : 'http'}://${hostAndPort(each, port)}`),
    serverName: `${kind === 'server' ? 'server' : 'agent'}.${datacenter}.${domain}`,
  };
}

/**
 * Tokens with which an agent may be read and reloaded: the one that it has loaded is among them. The token with all rights is only
 * for servers: whoever controls a node controls its client agent.
 */
export function agentTokens(
  { state, bootstrap, agentSecrets }: SecureObjects,
  kind: AgentKind,
): readonly Secret[] {
  const texts = [
    agentSecrets[kind].tokens.recovery,
    state?.tokens.recovery?.secret,
    state?.nextTokens.recovery?.secret,
    kind === 'server' ? bootstrap.token : undefined,
  ];
  return [...new Set(texts.filter((text) => text !== undefined))].map(secret);
}

export async function observeSecureAgents(
  consul: SecureConsul,
  settings: SecureSettings,
  pods: readonly { readonly kind: AgentKind; readonly pod: AgentPod }[],
  objects: SecureObjects,
  signal: AbortSignal,
): Promise<readonly Agent[]> {
  const found = new Map<string, Agent>();
  await inParallel(
    pods,
    async ({ kind, pod }) => {
      const place = placeOfAgent(settings, kind, [pod.address]);
      const state = await stateOf(consul, settings, place, agentTokens(objects, kind), signal);
      found.set(pod.uid, { kind, pod, address: pod.address, state });
    },
    { atATime: SMALL_CALLS, signal },
  );
  return [...found.values()].toSorted((one, other) => (one.pod.name < other.pod.name ? -1 : 1));
}

async function stateOf(
  consul: SecureConsul,
  { tls }: SecureSettings,
  place: ConsulPlace,
  tokens: readonly Secret[],
  signal: AbortSignal,
): Promise<SeenAgentState> {
  try {
    const serial = tls ? await consul.servedSerial(place) : undefined;
    const { stamp, run } = await withToken(tokens, (token) => consul.at(place, token).self(signal));
    return { kind: 'answers', stamp, serial, run };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'silent', why: reasonOf(error) };
  }
}

/** Tries the next token if Consul does not know the previous one. */
export async function withToken<T>(
  tokens: readonly Secret[],
  call: (token: Secret | undefined) => Promise<T>,
): Promise<T> {
  const [first, ...others] = tokens;
  try {
    return await call(first);
  } catch (error) {
    const isUnknown = hasCode(error, 'TANDEM_CONSUL_FORBIDDEN');
    if (!isUnknown || others.length === 0) throw error;
    return withToken(others, call);
  }
}

/** Whatever Consul does not tell, agents still get what they load: without a leader, that is the way back. */
export async function observeConsul(
  consul: SecureConsul,
  settings: SecureSettings,
  agents: readonly Agent[],
  objects: SecureObjects,
  signal: AbortSignal,
): Promise<Pick<SecureObserved, 'acl' | 'keyring'> & { readonly place: ConsulPlace | undefined }> {
  const servers = settings.external ?? serversOf(settings, agents);
  const asked = await unlessRefused(observeAcl(consul, settings, servers, objects, signal), signal);
  const { acl, place } =
    'why' in asked ? { acl: { kind: 'failed' as const, why: asked.why }, place: servers } : asked;
  const looked = { acl, agents };
  const rings = await unlessRefused(observeKeyring(consul, settings, place, objects, looked, signal), signal);
  return { acl, place, keyring: 'kind' in rings ? rings : { kind: 'unknown', why: rings.why } };
}

/** Why Consul did not answer, or how it refused; anything else is a bug. */
async function unlessRefused<T>(
  asked: Promise<T>,
  signal: AbortSignal,
): Promise<T | { readonly why: string }> {
  try {
    return await asked;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TandemError) return { why: error.message };
    throw error;
  }
}

/** The servers that answer; undefined if none does. */
function serversOf(settings: SecureSettings, agents: readonly Agent[]): ConsulPlace | undefined {
  const answering = agents.filter(({ kind, state }) => kind === 'server' && state.kind === 'answers');
  return answering.length === 0
    ? undefined
    : placeOfAgent(
        settings,
        'server',
        answering.map(({ address }) => address),
      );
}

/** @param servers also tells which of them knows our token, when not all do yet */
async function observeAcl(
  consul: SecureConsul,
  settings: SecureSettings,
  servers: ConsulPlace | undefined,
  { state, bootstrap }: SecureObjects,
  signal: AbortSignal,
): Promise<{ readonly acl: ObservedAcl; readonly place: ConsulPlace | undefined }> {
  if (!settings.acls || servers === undefined || bootstrap.token === undefined || state === undefined)
    return { acl: { kind: 'unasked' }, place: servers };
  const token = secret(bootstrap.token);
  let verdict: ObservedAcl = { kind: 'unasked' };
  const failures: unknown[] = [];
  for (const address of servers.addresses) {
    const place = { ...servers, addresses: [address] };
    const asked = consul.at(place, token).tokenState(signal);
    // Servers of ours that do not answer are left out already.
    const { kind } = await asked.catch((error: unknown) => {
      signal.throwIfAborted();
      failures.push(error);
      return { kind: 'silent' as const };
    });
    if (kind === 'silent') continue;
    if (kind === 'known') {
      const others = servers.addresses.filter((each) => each !== address);
      const known = { ...servers, addresses: [address, ...others] };
      return { acl: await contents(known, state), place: known };
    }
    verdict = { kind: kind === 'off' ? 'off' : 'token-unknown' };
    if (kind === 'off') break;
  }
  // A server that did not answer may know the token.
  if (failures.length > 0) throw failures[0];
  return { acl: verdict, place: servers };

  async function contents(place: ConsulPlace, kept: SecureState): Promise<ObservedAcl> {
    const known = consul.at(place, token);
    const [policies, roles, methods] = await Promise.all(
      (['policy', 'role', 'auth-method'] as const).map((kind) => known.names(kind, signal)),
    );
    const isListed = ({ kind, name }: Pick<AclObject, 'kind' | 'name'>): boolean =>
      kind === 'token' || { policy: policies, role: roles, 'auth-method': methods }[kind]?.has(name) === true;
    const ofPods = podMethodNames(settings).map((name) => ({ kind: 'auth-method' as const, name }));
    const objects = new Map<string, SeenObject>();
    await inParallel(
      [...aclObjects(settings, kept), ...ofPods].filter(isListed),
      async (each) => {
        const seen = await known.object(each, signal);
        if (seen !== undefined) objects.set(aclKey(each), seen);
      },
      { atATime: SMALL_CALLS, signal },
    );
    const own = await Promise.all(
      tokenNames.map(async (of) => {
        // A token that is not asked for any more still has its policy.
        const id = policies?.get(aclName(settings, of));
        if (id === undefined) return [];
        return known.tokensWith(id, (description) => isOurs(description, settings), signal);
      }),
    );
    const [next, former] = await Promise.all(
      [bootstrap.next, bootstrap.former].map(async (each) =>
        each === undefined ? undefined : consul.at(place, secret(each)).tokenState(signal),
      ),
    );
    return {
      kind: 'known',
      objects,
      rules: await known.rules(signal),
      ownTokens: [...new Set(own.flat())],
      nextBootstrap: next?.kind === 'known',
      formerBootstrap: former?.kind === 'known' ? former.accessor : undefined,
    };
  }
}

/** Without encryption there is none, and it needs a token that Consul knows. */
async function observeKeyring(
  consul: SecureConsul,
  { gossip, acls }: SecureSettings,
  place: ConsulPlace | undefined,
  { bootstrap }: SecureObjects,
  { acl, agents }: { readonly acl: ObservedAcl; readonly agents: readonly Agent[] },
  signal: AbortSignal,
): Promise<Keyring> {
  if (!gossip) return { kind: 'unknown', why: 'gossip encryption is off' };
  const isEncrypted = agents.some(({ state }) => state.kind === 'answers' && state.run.isGossipEncrypted);
  if (place === undefined || !isEncrypted) return { kind: 'unknown', why: 'no server encrypts gossip' };
  if (acls && acl.kind !== 'known') return { kind: 'unknown', why: 'there is no token that Consul knows' };
  return consul.at(place, secret(bootstrap.token ?? '')).keyring(signal);
}
