/** A cluster and a Consul in memory, on which each step of the plan has the effect that it has on the real ones. */
import { randomBytes, randomUUID } from 'node:crypto';
import { withNewCa, withNewLeaf } from '../../../src/runtime/signed-state.ts';
import { isOurs, type AclObject } from '../../../src/secure/acl-objects.ts';
import type { AclStep } from '../../../src/secure/acl-plan.ts';
import type { KeyringStep } from '../../../src/secure/keyring-plan.ts';
import { leafOf, readAgentSecret, type AgentSecret } from '../../../src/secure/agent-secret.ts';
import { readBrought, type BroughtTexts } from '../../../src/secure/brought.ts';
import { certificatesIn } from '../../../src/support/known-certificate.ts';
import {
  aclKey,
  type Agent,
  type SecureObserved,
  type SeenObject,
  type SeenRule,
} from '../../../src/secure/observed.ts';
import { NO_REVIEWERS, reviewerTokens } from '../../../src/secure/reviewer.ts';
import { nextSecureStep } from '../../../src/secure/secure-plan.ts';
import type { SecureStep } from '../../../src/secure/secure-step.ts';
import { NOTHING_BROUGHT, type SecureSettings } from '../../../src/secure/secure-settings.ts';
import type { SecureState, TokenPair } from '../../../src/secure/secure-state.ts';
import type { TokenSigners } from '../../../src/secure/token-signers.ts';
import { bundleOf } from '../../../src/secure/signing-ca.ts';
import { isObject, parseJson, property } from '../../../src/support/json.ts';

export const NOW = Date.parse('2026-01-01T00:00:00Z');

export const SETTINGS: SecureSettings = {
  name: 'mesh',
  namespace: 'consul',
  owner: 'east',
  stage: 'require',
  gossip: true,
  tls: true,
  acls: true,
  external: undefined,
  bootstrapToken: undefined,
  clients: true,
  datacenter: 'dc1',
  domain: 'consul',
  serverNames: [],
  syncDirections: ['to-consul', 'registrar-dataplane'],
  consulPrefix: '',
  podAuthMethod: true,
  authMethodType: 'kubernetes',
  bindingRuleSelector: 'serviceaccount.name!=default',
  allowNamespaces: ['*'],
  denyNamespaces: [],
  helmTest: true,
  uiToken: true,
  replicationToken: true,
  apiServer: { host: 'https://kubernetes.default.svc', ca: 'ca' },
  brought: NOTHING_BROUGHT,
};

export type World = {
  now: number;
  state: SecureState | undefined;
  requests: SecureObserved['requests'];
  bootstrap: SecureObserved['bootstrap'];
  readonly agentSecrets: { server: AgentSecret; client: AgentSecret };
  readonly tokenSecrets: Record<string, string>;
  publishedCa: string | undefined;
  /** Secrets of the operator. */
  readonly brought: Map<string, BroughtTexts>;
  /** What each agent has loaded: stamp and serial. */
  readonly agents: {
    readonly kind: 'server' | 'client';
    readonly name: string;
    stamp: number;
    serial: string | undefined;
    isSilent: boolean;
  }[];
  /** The management tokens that Consul knows; undefined: not bootstrapped. */
  management: string[] | undefined;
  readonly objects: Map<string, SeenObject>;
  rules: SeenRule[];
  keys: { installed: Set<string>; primary: string };
  primarySince: number | undefined;
  /** Its servers run elsewhere: there are no agents. */
  isElsewhere: boolean;
  signers: TokenSigners;
  /** The account of the reviewer is another one since then, in milliseconds since the epoch. */
  reviewerSince: number;
  reviewers: ReadonlyMap<string, number>;
  keysGoneSince: ReadonlyMap<string, number>;
};

export function newWorld(): World {
  return {
    now: NOW,
    state: undefined,
    requests: {},
    bootstrap: { token: undefined, next: undefined, former: undefined, lack: undefined },
    agentSecrets: { server: readAgentSecret(undefined), client: readAgentSecret(undefined) },
    tokenSecrets: {},
    publishedCa: undefined,
    brought: new Map(),
    agents: [],
    management: undefined,
    objects: new Map(),
    rules: [],
    keys: { installed: new Set(), primary: '' },
    primarySince: undefined,
    isElsewhere: false,
    signers: { kind: 'unknown', why: 'nobody asks' },
    reviewerSince: NOW,
    reviewers: new Map(),
    keysGoneSince: new Map(),
  };
}

/** Agents that have started with what their Secrets are now. */
export function startAgents(world: World, servers = 3, clients = 1): void {
  for (const [kind, count] of [
    ['server', servers],
    ['client', clients],
  ] as const)
    for (let at = 0; at < count; at += 1) {
      const { stamp } = world.agentSecrets[kind];
      const serial = leafOf(world.agentSecrets[kind])?.serial;
      world.agents.push({ kind, name: `${kind}-${at}`, stamp, serial, isSilent: false });
    }
  const key = world.agentSecrets.server.gossip ?? '';
  world.keys = { installed: new Set([key]), primary: key };
}

export function observe(world: World, settings = SETTINGS): SecureObserved {
  const { management, bootstrap, keys, agents } = world;
  const isKnown = management?.includes(bootstrap.token ?? '') === true;
  const members = agents.length;
  const ownTokens = [...world.objects.entries()]
    .filter(([key, { description }]) => key.startsWith('token/') && isOurs(description, settings))
    .map(([, { id }]) => id);
  return {
    now: world.now,
    state: world.state,
    requests: world.requests,
    bootstrap,
    agentSecrets: { ...world.agentSecrets },
    tokenSecrets: { ...world.tokenSecrets },
    publishedCa: world.publishedCa,
    brought: readBrought(settings, {
      secrets: world.brought,
      trusted: certificatesIn(bundleOf(world.state)).map(({ pem }) => pem),
      now: world.now,
    }),
    agents: agents.map(({ kind, name, stamp, serial, isSilent }): Agent => ({
      kind,
      pod: { name, uid: name },
      address: '10.0.0.1',
      state: isSilent
        ? { kind: 'silent', why: 'it is away' }
        : {
            kind: 'answers',
            stamp,
            serial,
            run: { acls: true, defaultPolicy: 'deny', verifiesOutgoing: true, isGossipEncrypted: true },
          },
    })),
    acl:
      (members === 0 && !world.isElsewhere) || bootstrap.token === undefined
        ? { kind: 'unasked' }
        : !isKnown
          ? { kind: 'token-unknown' }
          : {
              kind: 'known',
              objects: new Map(world.objects),
              rules: [...world.rules],
              ownTokens,
              nextBootstrap: bootstrap.next !== undefined && management.includes(bootstrap.next),
              formerBootstrap:
                bootstrap.former !== undefined && management.includes(bootstrap.former)
                  ? bootstrap.former
                  : undefined,
            },
    keyring:
      isKnown && members > 0
        ? {
            kind: 'known',
            rings: [
              {
                members,
                keys: Object.fromEntries([...keys.installed].map((key) => [key, members])),
                primary: { [keys.primary]: members },
              },
            ],
          }
        : { kind: 'unknown', why: 'no server is asked' },
    signers: world.signers,
    reviewers: { ...NO_REVIEWERS, refused: isKnown ? refusedOf(world, settings) : [] },
    memory: {
      reloads: new Map(),
      behindSince: new Map(),
      reviewers: world.reviewers,
      keysGoneSince: world.keysGoneSince,
      bootstrapClosed: undefined,
      aclsOffAt: undefined,
      primarySince: world.primarySince,
    },
  };
}

/** The API server knows no token of an account that was there before. */
function refusedOf(world: World, settings: SecureSettings): readonly string[] {
  const { objects, now, reviewerSince } = world;
  return reviewerTokens(settings, { objects }, now)
    .filter(({ jwt }) => {
      const payload = parseJson(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
      return Number(property(payload, 'iat')) * 1000 < reviewerSince;
    })
    .map(({ method }) => method);
}

/** Steps until nothing is due; throws when there are too many. */
export function settle(
  world: World,
  settings = SETTINGS,
  check: (step: SecureStep) => void = () => undefined,
): readonly SecureStep[] {
  const steps: SecureStep[] = [];
  for (;;) {
    const step = nextSecureStep(settings, observe(world, settings));
    check(step);
    if (step.kind === 'keep' || step.kind === 'wait') return steps;
    steps.push(step);
    if (steps.length > 200)
      throw new Error(
        `no end: ${steps
          .slice(-5)
          .map(({ kind }) => kind)
          .join()}`,
      );
    apply(world, step);
  }
}

export const gossipKey = (): string => randomBytes(32).toString('base64');
const pair = (): TokenPair => ({ accessor: randomUUID(), secret: randomUUID() });
const pairs = (names: readonly string[]): Record<string, TokenPair> =>
  Object.fromEntries(names.map((name) => [name, pair()]));

export function apply(world: World, step: SecureStep): void {
  const { now } = world;
  switch (step.kind) {
    case 'keep':
    case 'wait':
      return;
    case 'new-ca':
      world.state = withNewCa(step, now);
      return;
    case 'make':
      world.state = {
        ...step.before,
        ...(step.gossip === 'key' ? { gossip: gossipKey() } : {}),
        ...(step.gossip === 'next' ? { nextGossip: gossipKey() } : {}),
        tokens: { ...step.before.tokens, ...pairs(step.tokens) },
        nextTokens: { ...step.before.nextTokens, ...pairs(step.nextTokens) },
      };
      return;
    case 'write-state':
      world.state = step.after;
      return;
    case 'write-bootstrap':
      world.bootstrap = {
        token: step.after.token ?? randomUUID(),
        next: step.after.next === undefined ? undefined : randomUUID(),
        former: step.after.former,
        lack: undefined,
      };
      return;
    case 'publish-ca':
      world.publishedCa = step.bundle;
      return;
    case 'write-secret':
      world.agentSecrets[step.of] = withNewLeaf(step, world.state, now);
      return;
    case 'write-token-secret':
      world.tokenSecrets[step.of] = step.token;
      return;
    case 'reload': {
      const agent = world.agents.find(({ name }) => name === step.agent.pod.name);
      if (agent === undefined) return;
      agent.stamp = world.agentSecrets[agent.kind].stamp;
      agent.serial = leafOf(world.agentSecrets[agent.kind])?.serial;
      return;
    }
    case 'bootstrap':
    case 'put':
    case 'put-auth-method':
    case 'put-rule':
    case 'delete-rule':
    case 'put-bootstrap':
    case 'delete-token':
    case 'keyring':
      applyToConsul(world, step);
  }
}

function applyToConsul(
  world: World,
  step: AclStep | KeyringStep | Extract<SecureStep, { kind: 'bootstrap' }>,
): void {
  const { now } = world;
  const put = ({ kind, name, body }: AclObject, id = name): void => {
    const description = typeof body['Description'] === 'string' ? body['Description'] : '';
    world.objects.set(aclKey({ kind, name }), { id, description, body });
  };
  switch (step.kind) {
    case 'bootstrap':
      world.management = [world.bootstrap.token ?? ''];
      return;
    case 'put':
      put(step.object, step.id);
      return;
    case 'put-auth-method': {
      const payload = {
        sub: 'system:serviceaccount:consul:mesh-auth-method',
        iat: now / 1000,
        exp: now / 1000 + 7 * 86_400,
      };
      const ServiceAccountJWT = `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`;
      const config = step.object.body['Config'];
      const body = {
        ...step.object.body,
        Config: { ...(isObject(config) ? config : {}), ServiceAccountJWT },
      };
      put({ ...step.object, body });
      world.reviewers = new Map([...world.reviewers, [step.object.name, now]]);
      return;
    }
    case 'put-rule':
      world.rules.push({ ...step.rule, id: randomUUID(), description: step.description });
      return;
    case 'delete-rule':
      world.rules = world.rules.filter(({ id }) => id !== step.id);
      return;
    case 'put-bootstrap':
      world.management?.push(step.token);
      return;
    case 'delete-token':
      world.management = world.management?.filter((token) => token !== step.accessor);
      world.objects.delete(`token/${step.accessor}`);
      return;
    case 'keyring':
      if (step.operation === 'install') world.keys.installed.add(step.key);
      if (step.operation === 'use') world.keys.primary = step.key;
      if (step.operation === 'remove') world.keys.installed.delete(step.key);
      return;
  }
}
