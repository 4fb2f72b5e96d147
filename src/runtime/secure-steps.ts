/** Does one step of `tandem secure`: each is one write, and may be repeated. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { ConsulPlace } from '../consul/secure-calls.ts';
import type { SecureConsul } from '../consul/secure-consul.ts';
import type { StepOutcome, WriteStep } from '../controllers/secure-loop.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { requestAccountToken } from '../kubernetes/owned-object.ts';
import { writeAgentSecret } from '../secure/agent-secret.ts';
import type { AclStep } from '../secure/acl-plan.ts';
import type { KeyringStep } from '../secure/keyring-plan.ts';
import type { SecureStep } from '../secure/secure-step.ts';
import { objectNames, type SecureSettings } from '../secure/secure-settings.ts';
import {
  STATE_KEY,
  writeState,
  type KeptToken,
  type SecureState,
  type TokenPair,
} from '../secure/secure-state.ts';
import { hasCode, TandemError } from '../support/errors.ts';
import { isObject } from '../support/json.ts';
import { secret } from '../support/secret.ts';
import type { SecureObjects, secureObjects } from './secure-objects.ts';
import { withNewCa, withNewLeaf } from './signed-state.ts';
import { agentTokens, placeOfAgent, withToken } from './secure-view.ts';

/** What was observed last. */
export type LastLook = {
  readonly now: number;
  readonly objects: SecureObjects;
  /** Servers, one of which is to answer. */
  readonly place: ConsulPlace | undefined;
};

type StepParts = {
  readonly client: Pick<ApiClient, 'request'>;
  readonly consul: SecureConsul;
  readonly objects: Pick<ReturnType<typeof secureObjects>, 'write'>;
  readonly settings: SecureSettings;
  readonly seen: () => LastLook;
};

// The API server decides on the lifetime that it grants; after half of it, a new token is requested.
const REVIEWER_SECONDS = 7 * 24 * 60 * 60;
const GOSSIP_BYTES = 32;

const WRITTEN: StepOutcome = { kind: 'written' };

export function stepWriter(parts: StepParts) {
  const { objects } = parts;
  return async (step: WriteStep, signal: AbortSignal): Promise<StepOutcome> => {
    const write = async (...[of, texts]: Parameters<typeof objects.write>): Promise<StepOutcome> => ({
      kind: await objects.write(of, texts, signal),
    });
    const state = (after: SecureState): Promise<StepOutcome> =>
      write('state', { [STATE_KEY]: writeState(after) }, signal);
    switch (step.kind) {
      case 'new-ca':
        return state(withNewCa(step, parts.seen().now));
      case 'make':
        return state(withMade(step));
      case 'write-state':
        return state(step.after);
      case 'write-bootstrap':
        return write('bootstrap', bootstrapTexts(step.after), signal);
      case 'publish-ca':
        return write('ca', { 'ca.crt': step.bundle }, signal);
      case 'write-secret': {
        const { now, objects: seen } = parts.seen();
        return write(step.of, writeAgentSecret(withNewLeaf(step, seen.state, now)), signal);
      }
      case 'write-token-secret':
        if (step.of !== 'ui' && step.of !== 'replication') return WRITTEN;
        return write(step.of, { token: step.token }, signal);
      case 'reload':
        return reload(step, parts, signal);
      case 'bootstrap':
      case 'put':
      case 'put-auth-method':
      case 'put-bootstrap':
      case 'put-rule':
      case 'delete-rule':
      case 'delete-token':
      case 'keyring':
        return refusable(() => writeToConsul(step, parts, signal));
    }
  };
}

function withMade({
  before,
  gossip,
  tokens,
  nextTokens,
}: Extract<SecureStep, { kind: 'make' }>): SecureState {
  const pairs = (names: readonly KeptToken[]): Readonly<Record<string, TokenPair>> =>
    Object.fromEntries(names.map((name) => [name, { accessor: randomUUID(), secret: randomUUID() }]));
  const key = (): string => randomBytes(GOSSIP_BYTES).toString('base64');
  return {
    ...before,
    ...(gossip === 'key' ? { gossip: key() } : {}),
    ...(gossip === 'next' ? { nextGossip: key() } : {}),
    tokens: { ...before.tokens, ...pairs(tokens) },
    nextTokens: { ...before.nextTokens, ...pairs(nextTokens) },
  };
}

function bootstrapTexts({
  token = randomUUID(),
  next,
  former,
}: Extract<SecureStep, { kind: 'write-bootstrap' }>['after']): Readonly<Record<string, string>> {
  return {
    token,
    ...(next === undefined ? {} : { next: randomUUID() }),
    ...(former === undefined ? {} : { former }),
  };
}

async function reload(
  { agent }: Extract<SecureStep, { kind: 'reload' }>,
  { consul, settings, seen }: StepParts,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const place = placeOfAgent(settings, agent.kind, [agent.address]);
  try {
    await withToken(agentTokens(seen().objects, agent.kind), (token) =>
      consul.at(place, token).reload(signal),
    );
    return WRITTEN;
  } catch (error) {
    signal.throwIfAborted();
    // Whatever is wrong with one agent, the others are asked meanwhile.
    if (error instanceof TandemError && error.code !== 'TANDEM_NOT_LEADING')
      return { kind: 'refused', reason: error.message };
    throw error;
  }
}

type ConsulWrite = Extract<WriteStep, { kind: 'bootstrap' | 'put-bootstrap' } | AclStep | KeyringStep>;

async function writeToConsul(step: ConsulWrite, parts: StepParts, signal: AbortSignal): Promise<StepOutcome> {
  const { consul, seen } = parts;
  const { place, objects } = seen();
  const token = objects.bootstrap.token;
  if (place === undefined || token === undefined) return { kind: 'conflict' };
  const management = secret(token);
  const acting = consul.at(place, management);
  switch (step.kind) {
    case 'bootstrap':
      return consul.at(place, undefined).bootstrap(management);
    case 'put':
      await acting.putObject(step.object, step.id);
      return WRITTEN;
    case 'put-auth-method':
      await putAuthMethod(step, parts, acting, signal);
      return WRITTEN;
    case 'put-bootstrap': {
      const body = {
        SecretID: step.token,
        Description: 'Bootstrap Token (Global Management)',
        Policies: [{ Name: 'global-management' }],
      };
      await acting.putObject({ kind: 'token', name: '', body }, undefined);
      return WRITTEN;
    }
    case 'put-rule':
      await acting.putRule(step.rule, step.description);
      return WRITTEN;
    case 'delete-rule':
      await acting.deleteRule(step.id);
      return WRITTEN;
    case 'delete-token':
      await acting.deleteToken(step.accessor);
      return WRITTEN;
    case 'keyring':
      await acting.changeKeyring(step.operation, step.key);
      return WRITTEN;
  }
}

async function putAuthMethod(
  { object, id }: Extract<SecureStep, { kind: 'put-auth-method' }>,
  { client, settings }: StepParts,
  { putObject }: Pick<ReturnType<SecureConsul['at']>, 'putObject'>,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace } = settings;
  const reviewer = { namespace, name: objectNames(name).reviewer };
  const jwt = await requestAccountToken(client, reviewer, REVIEWER_SECONDS, signal);
  const config = object.body['Config'];
  const body = { ...object.body, Config: { ...(isObject(config) ? config : {}), ServiceAccountJWT: jwt } };
  await putObject({ ...object, body }, id);
}

/** What Consul considers invalid stays so until somebody does something; anything else is retried soon. */
async function refusable(write: () => Promise<StepOutcome>): Promise<StepOutcome> {
  try {
    return await write();
  } catch (error) {
    if (hasCode(error, 'TANDEM_CONSUL_REFUSED')) return { kind: 'refused', reason: error.message };
    throw error;
  }
}
