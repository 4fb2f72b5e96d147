/** What a person wants to know of a secure Consul: what exists, what is wrong, and whether the next stage may follow. */
import { takenNames } from './acl-plan.ts';
import { leafOf } from './agent-secret.ts';
import { unusableParts } from './brought.ts';
import { chainsTo, maySignCas } from './certificates.ts';
import { certificatesIn } from '../support/known-certificate.ts';
import type { Agent, AgentRun, SecureObserved } from './observed.ts';
import { behind, BEHIND_AFTER } from './loaded.ts';
import { firstPods } from './named-pods.ts';
import { cutOff, trustsDistrusted, type PodAccess } from './plain-pods.ts';
import { needsSigners, podMethodName } from './pod-auth-method.ts';
import type { SecureStep } from './secure-step.ts';
import { bundleOf } from './signing-ca.ts';
import {
  aclName,
  agentKindsOf,
  objectNames,
  stages,
  type SecureSettings,
  type SecureStage,
} from './secure-settings.ts';

export type SecureProblem = {
  /** `Pod/<namespace>/<name>`, or the ACL object. */
  readonly source: string;
  readonly reason:
    | 'agent-behind'
    | 'name-taken'
    | 'bootstrapped-by-others'
    | 'keyring-unknown'
    | 'no-token'
    | 'token-unknown'
    | 'signers-unknown'
    | 'brought-unusable'
    | 'ca-signs-no-ca'
    | 'distrusted-ca-in-use'
    | 'reviewer-lacks-right'
    | 'owner-taken';
  readonly message: string;
};

export function problemsOf(
  settings: SecureSettings,
  observed: SecureObserved,
  step: SecureStep,
): readonly SecureProblem[] {
  const { memory, now, keyring, acl, signers } = observed;
  const late = behind(settings, observed).filter(
    ({ pod }) => now - (memory.behindSince.get(pod.uid) ?? now) >= BEHIND_AFTER,
  );
  return [
    ...unusableParts(observed.brought).map(({ secret, why }) => {
      const place = `${settings.namespace}/${secret}`;
      const message = `the Secret ${place} cannot be used: ${why}; agents keep what they have`;
      return problem(`Secret/${place}`, 'brought-unusable', message);
    }),
    ...caProblems(settings, observed),
    ...distrustProblems(settings, observed),
    ...reviewerProblems(settings, observed),
    ...late.map((agent) => {
      const message = `the agent has not loaded its Secret for 5 minutes (${loadedText(observed, agent)}); look at the kubelet of its node`;
      return problem(`Pod/${settings.namespace}/${agent.pod.name}`, 'agent-behind', message);
    }),
    ...takenNames(settings, observed).map((name) => {
      const message = `${name} in Consul has a description that Tandem did not write, so it is left alone; rename or delete it`;
      return problem(name, 'name-taken', message);
    }),
    ...(needsSigners(settings, acl) && signers.kind === 'unknown' && acl.kind === 'known'
      ? [problem('signers', 'signers-unknown', signersText(settings, signers.why))]
      : []),
    ...(step.kind === 'wait' ? tokenProblems(settings, step) : []),
    ...(settings.gossip && keyring.kind === 'unknown' && acl.kind === 'known'
      ? [problem('keyring', 'keyring-unknown', keyring.why)]
      : []),
  ];
}

function problem(source: string, reason: SecureProblem['reason'], message: string): SecureProblem {
  return { source, reason, message };
}

function signersText(settings: SecureSettings, why: string): string {
  if (settings.authMethodType === 'jwt') return why;
  const former = podMethodName(settings, 'jwt');
  return `${why}; the former auth method ${former} needs them, with which pods that were injected earlier log in. When those pods are gone, delete it with its tokens: consul acl auth-method delete -name=${former}`;
}

function caProblems(
  { namespace, brought }: SecureSettings,
  observed: SecureObserved,
): readonly SecureProblem[] {
  const ca = observed.brought.ca;
  if (brought.ca === undefined || ca?.kind !== 'usable' || maySignCas(ca.value.certificate)) return [];
  const place = `${namespace}/${brought.ca.secret}`;
  const message = `the CA in the Secret ${place} may sign no other CA (pathlen:0): when it is replaced, pods that trust only it lose Consul until they are restarted; a CA without pathlen has no such gap`;
  return [problem(`Secret/${place}`, 'ca-signs-no-ca', message)];
}

function reviewerProblems(
  { namespace, name }: SecureSettings,
  { reviewers }: SecureObserved,
): readonly SecureProblem[] {
  const account = `${namespace}/${objectNames(name).reviewer}`;
  return reviewers.lacks.map(({ verb, group, resource }) => {
    const message = `the ServiceAccount ${account} may not ${verb} ${resource}, so logins to Consul fail; give it a ClusterRole with apiGroups ["${group}"], resources [${resource}], verbs [${verb}]`;
    return problem(`ServiceAccount/${account}`, 'reviewer-lacks-right', message);
  });
}

/** A leaf that is made here is renewed by itself. */
function distrustProblems(
  settings: SecureSettings,
  { state, agentSecrets }: SecureObserved,
): readonly SecureProblem[] {
  const distrusted = (state?.distrusted ?? []).map(({ certificate }) => certificate);
  const others = certificatesIn(bundleOf(state)).filter(
    ({ id }) => !certificatesIn(distrusted.join('')).some((each) => each.id === id),
  );
  const pems = others.map(({ pem }) => pem);
  return agentKindsOf(settings).flatMap((of): readonly SecureProblem[] => {
    const secret = settings.brought[of];
    const [leaf, ...chain] = certificatesIn(agentSecrets[of].certificate).map(({ pem }) => pem);
    if (secret === undefined || leaf === undefined) return [];
    if (chainsTo(leaf, chain, pems) || !chainsTo(leaf, chain, distrusted)) return [];
    const place = `${settings.namespace}/${secret}`;
    const message = `the certificate in the Secret ${place} is of a CA that is distrusted, so everybody still trusts that CA; put a certificate of another CA there`;
    return [problem(`Secret/${place}`, 'distrusted-ca-in-use', message)];
  });
}

function tokenProblems(
  { namespace, name, bootstrapToken }: SecureSettings,
  { reason, detail }: Extract<SecureStep, { kind: 'wait' }>,
): readonly SecureProblem[] {
  const place = `the Secret ${namespace}/${bootstrapToken?.secret ?? objectNames(name).bootstrap}`;
  if (reason === 'bootstrapped-by-others') {
    const message = `somebody else bootstrapped Consul's ACLs (${detail}); put that token into ${place}, or write the index to acl-bootstrap-reset in the data folder of the leader`;
    return [problem('bootstrap', reason, message)];
  }
  if (reason === 'owner-taken') return [problem('owner', reason, detail)];
  if (reason === 'no-token')
    return [problem('bootstrap', reason, `${detail}; put the token with all rights there`)];
  if (reason === 'token-unknown')
    return [problem('bootstrap', reason, `${detail} (${place}); put one with all rights there`)];
  return [];
}

/** `server-1 4/5`: the version that it runs, and the one that it should. */
function loadedText({ agentSecrets }: SecureObserved, { kind, state }: Agent): string {
  return state.kind === 'silent' ? state.why : `${state.stamp}/${agentSecrets[kind].stamp}`;
}

/** Expiry of each certificate, in milliseconds since the epoch. */
export function expiries(
  settings: SecureSettings,
  { state, agentSecrets }: SecureObserved,
): Readonly<Partial<Record<'ca' | 'server' | 'client', number>>> {
  if (!settings.tls) return {};
  const leaves = agentKindsOf(settings).flatMap((of) => {
    const leaf = leafOf(agentSecrets[of]);
    return leaf === undefined ? [] : [[of, leaf.expires] as const];
  });
  const [ca] = certificatesIn(state?.ca?.certificate ?? '');
  return { ...Object.fromEntries(leaves), ...(ca === undefined ? {} : { ca: ca.expires }) };
}

type Gate =
  | { readonly kind: 'open'; readonly to: SecureStage }
  | { readonly kind: 'closed'; readonly to: SecureStage; readonly because: readonly string[] }
  | { readonly kind: 'last' };

/** What the loop itself does not look at. */
export type GateFacts = {
  /** Injected pods; undefined when they cannot be listed. */
  readonly pods: readonly PodAccess[] | undefined;
  /** Roles of the tokens by which the pods of Tandem that run now are logged in; undefined when they cannot be listed. */
  readonly logins: ReadonlySet<string> | undefined;
};

/** Whether the next stage may come, and what holds it back. */
export function nextGate(
  settings: SecureSettings,
  observed: SecureObserved,
  step: SecureStep,
  { pods, logins }: GateFacts,
): Gate {
  const to = stages[stages.indexOf(settings.stage) + 1];
  if (to === undefined) return { kind: 'last' };
  const { keyring } = observed;
  const because = [
    ...agentsHoldingBack(settings, observed),
    ...(settings.gossip && keyring.kind === 'unknown' ? [`the gossip keyring: ${keyring.why}`] : []),
    ...(settings.acls ? aclsHoldingBack(observed) : []),
    ...(step.kind === 'keep' || step.kind === 'wait' ? [] : [`the step ${step.kind} is due`]),
    ...(to === 'require' ? [...podsHoldingBack(settings, pods), ...loginsHoldingBack(settings, logins)] : []),
  ];
  return because.length === 0 ? { kind: 'open', to } : { kind: 'closed', to, because };
}

/** Nothing is known of an agent that does not answer, for example while it restarts. */
function agentsHoldingBack(settings: SecureSettings, observed: SecureObserved): readonly string[] {
  const isAnyServer = observed.agents.some(({ kind }) => kind === 'server');
  if (settings.external === undefined && !isAnyServer) return ['no pod of a Consul server runs'];
  const late = behind(settings, observed);
  return observed.agents.flatMap((agent) => {
    const { pod, state } = agent;
    if (state.kind === 'silent') return [`${pod.name} cannot be asked: ${state.why}`];
    return [
      ...(runs(settings, state.run) ? [] : [`${pod.name} does not run ${settings.stage} yet`]),
      ...(late.includes(agent)
        ? [`${pod.name} has not loaded its Secret (${loadedText(observed, agent)})`]
        : []),
    ];
  });
}

function aclsHoldingBack({ acl, bootstrap, state }: SecureObserved): readonly string[] {
  switch (acl.kind) {
    case 'known':
      return [];
    case 'unasked': {
      const why =
        bootstrap.token === undefined
          ? (bootstrap.lack ?? 'the token with all rights does not exist yet')
          : state === undefined
            ? 'the state of tandem secure does not exist yet'
            : 'no Consul server answers';
      return [`the ACLs are not known: ${why}`];
    }
    case 'failed':
      return [`the ACLs are not known: ${acl.why}`];
    case 'off':
      return ['Consul runs without ACLs'];
    case 'token-unknown':
      return [
        'Consul does not know the token with all rights: its ACLs are not bootstrapped, or were by somebody else',
      ];
  }
}

function podsHoldingBack(
  settings: SecureSettings,
  pods: readonly PodAccess[] | undefined,
): readonly string[] {
  if (pods === undefined) return ['the injected pods cannot be listed'];
  const starting = pods.filter(({ login, isInitialized }) => login && !isInitialized);
  return [
    ...someNames(cutOff(settings, pods)).map(
      (name) => `${name} would lose Consul, because it was injected before prefer: restart it`,
    ),
    ...someNames(starting).map(
      (name) => `${name} has not come up: see its events, and the log of its sidecar`,
    ),
  ];
}

/** Webhook, agents and DNS have no login; sync and registrar are one process with one role. */
function loginsHoldingBack(
  settings: SecureSettings,
  logins: ReadonlySet<string> | undefined,
): readonly string[] {
  if (!settings.acls || settings.syncDirections.length === 0) return [];
  if (logins === undefined) return ['whether the sync has logged in cannot be read'];
  return logins.has(aclName(settings, 'sync'))
    ? []
    : ['the sync, with the registrar, has not logged in since its pods were made: see their log'];
}

/** A sentence for each pod that has lost Consul, or trusts a CA that is distrusted. @param pods as of `nextGate` */
export function podsToRestart(
  settings: Pick<SecureSettings, 'stage' | 'tls' | 'acls'>,
  { state }: Pick<SecureObserved, 'state'>,
  pods: readonly PodAccess[] | undefined,
): readonly string[] {
  const lost = settings.stage === 'require' ? cutOff(settings, pods ?? []) : [];
  return [
    ...someNames(lost).map((name) => `restart ${name}: it was injected before prefer, and has lost Consul`),
    ...trustingDistrusted(state, pods),
  ];
}

function trustingDistrusted(
  state: SecureObserved['state'],
  pods: readonly PodAccess[] | undefined,
): readonly string[] {
  if (state === undefined || state.distrusted.length === 0) return [];
  if (pods === undefined) return ['restart the pods that trust a distrusted CA; they cannot be listed'];
  return someNames(trustsDistrusted(state, pods)).map(
    (name) => `restart ${name}: it trusts a CA that is distrusted`,
  );
}

function someNames(pods: readonly PodAccess[]): readonly string[] {
  return firstPods(pods.map(({ pod }) => pod));
}

/** By what can be seen of an agent. */
function runs({ acls, tls, stage }: SecureSettings, run: AgentRun): boolean {
  const isRpc = !tls || run.verifiesOutgoing === (stage !== 'accept');
  const isPolicy = !acls || (run.acls && run.defaultPolicy === (stage === 'require' ? 'deny' : 'allow'));
  return isRpc && isPolicy;
}
