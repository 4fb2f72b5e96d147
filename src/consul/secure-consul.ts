/** What the loop of `tandem secure` reads of agents, ACLs and keyring, and writes to them. */
import { listAt, mapAt, numberIs, objectAt } from '../model/decode-consul.ts';
import { NODE_META_STAMP } from '../secure/agent-secret.ts';
import type { AgentRun, Keyring } from '../secure/observed.ts';
import { asString, isObject, property, textAt } from '../support/json.ts';
import { secret, type Secret } from '../support/secret.ts';
import { aclCalls } from './acl-calls.ts';
import { jsonOf } from './answer.ts';
import type { ConsulCalls } from './client.ts';
import { secureCalls, unquoted, type ConsulPlace, type SecureCallsOptions } from './secure-calls.ts';

type SelfOfAgent = { readonly stamp: number; readonly run: AgentRun };

export type SecureConsul = ReturnType<typeof secureConsul>;

const AGENT_MILLISECONDS = 5000;

export function secureConsul(options: SecureCallsOptions) {
  const { at, ...others } = secureCalls(options);
  return {
    ...others,
    /** What a place is asked, and told, with this token. */
    at: (place: ConsulPlace, token: Secret | undefined) => {
      const calls = at(place, token);
      return { ...calls, ...aclCalls(calls), ...agentCalls(calls), ...keyringCalls(calls) };
    },
  };
}

function agentCalls({ call }: ConsulCalls) {
  return {
    /** @throws TandemError TANDEM_CONSUL_FORBIDDEN when the agent does not know the token */
    self: (signal: AbortSignal): Promise<SelfOfAgent> =>
      call({
        endpoint: 'agent-read',
        method: 'GET',
        path: '/v1/agent/self',
        timeout: AGENT_MILLISECONDS,
        signal,
        read: (raw) => selfOf(jsonOf(raw)),
      }),
    reload: (signal: AbortSignal): Promise<void> =>
      call({
        endpoint: 'agent-reload',
        method: 'PUT',
        path: '/v1/agent/reload',
        signal,
        read: () => undefined,
      }),
  };
}

function keyringCalls({ call }: ConsulCalls) {
  return {
    keyring: (signal: AbortSignal): Promise<Keyring> =>
      call<Keyring>({
        endpoint: 'keyring',
        method: 'GET',
        path: '/v1/operator/keyring',
        // If a member cannot answer, Consul returns a 500 that names it; no key is in it.
        accept: [500],
        signal,
        read: unquoted((raw) =>
          raw.status === 200
            ? keyringOf(listAt(jsonOf(raw), 'answer', ringOf))
            : { kind: 'unknown', why: raw.text.trim().slice(0, 400) },
        ),
      }),
    changeKeyring: (operation: 'install' | 'use' | 'remove', key: string): Promise<void> =>
      call({
        endpoint: 'keyring',
        method: ({ install: 'POST', use: 'PUT', remove: 'DELETE' } as const)[operation],
        path: '/v1/operator/keyring',
        body: JSON.stringify({ Key: key }),
        conceals: secret(key),
        read: () => undefined,
      }),
  };
}

function selfOf(json: unknown): SelfOfAgent {
  const self = objectAt(json, 'answer');
  const debug = property(self, 'DebugConfig');
  const stamp = Number(asString(property(property(self, 'Meta'), NODE_META_STAMP)) ?? 0);
  const rpc = property(property(debug, 'TLS'), 'InternalRPC');
  const serf = property(property(self, 'Stats'), 'serf_lan');
  return {
    stamp: Number.isSafeInteger(stamp) ? stamp : 0,
    run: {
      acls: property(debug, 'ACLsEnabled') === true,
      defaultPolicy: textAt(property(debug, 'ACLResolverSettings'), 'ACLDefaultPolicy'),
      verifiesOutgoing: property(rpc, 'VerifyOutgoing') === true,
      isGossipEncrypted: property(serf, 'encrypted') === 'true',
    },
  };
}

/** Of no members, every key would count as known to all, and could be removed. */
function keyringOf(rings: Extract<Keyring, { kind: 'known' }>['rings']): Keyring {
  return rings.length > 0 && rings.every(({ members }) => members > 0)
    ? { kind: 'known', rings }
    : { kind: 'unknown', why: 'Consul names no member' };
}

function ringOf(value: unknown, place: string) {
  const ring = objectAt(value, place);
  const counts = (key: string): Readonly<Record<string, number>> =>
    isObject(ring[key]) ? mapAt(ring[key], `${place}.${key}`, numberIs) : {};
  return {
    members: numberIs(ring['NumNodes'], `${place}.NumNodes`),
    keys: counts('Keys'),
    primary: counts('PrimaryKeys'),
  };
}
