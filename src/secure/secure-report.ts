/** What a person wants to know of a secure Consul: what is there, what is wrong, and whether the next stage may come. */
import { takenNames } from './acl-plan.ts';
import { leafOf } from './agent-secret.ts';
import { unusableParts } from './brought.ts';
import { certificatesIn } from './certificates.ts';
import type { Agent, SecureObserved } from './observed.ts';
import { behind, BEHIND_AFTER } from './loaded.ts';
import { cutOff, type PodAccess } from './plain-pods.ts';
import { needsSigners } from './pod-auth-method.ts';
import type { SecureStep } from './secure-step.ts';
import {
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
    | 'brought-unusable';
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
    ...unusableParts(observed.brought).map(({ secret, why }): SecureProblem => ({
      source: `Secret/${settings.namespace}/${secret}`,
      reason: 'brought-unusable',
      message: `the Secret ${settings.namespace}/${secret} cannot be used: ${why}; agents keep what they have`,
    })),
    ...late.map((agent): SecureProblem => ({
      source: `Pod/${settings.namespace}/${agent.pod.name}`,
      reason: 'agent-behind',
      message: `the agent has not loaded its Secret for 5 minutes (${loadedText(observed, agent)}); look at the kubelet of its node`,
    })),
    ...takenNames(settings, observed).map((name): SecureProblem => ({
      source: name,
      reason: 'name-taken',
      message: `${name} in Consul has a description that Tandem did not write, so it is left alone; rename or delete it`,
    })),
    ...(needsSigners(settings, acl) && signers.kind === 'unknown' && acl.kind === 'known'
      ? [{ source: 'signers', reason: 'signers-unknown' as const, message: signers.why }]
      : []),
    ...(step.kind === 'wait' ? tokenProblems(settings, step) : []),
    ...(settings.gossip && keyring.kind === 'unknown' && acl.kind === 'known'
      ? [{ source: 'keyring', reason: 'keyring-unknown' as const, message: keyring.why }]
      : []),
  ];
}

function tokenProblems(
  { namespace, name, bootstrapToken }: SecureSettings,
  { reason, detail }: Extract<SecureStep, { kind: 'wait' }>,
): readonly SecureProblem[] {
  const place = `the Secret ${namespace}/${bootstrapToken?.name ?? objectNames(name).bootstrap}`;
  const source = 'bootstrap';
  if (reason === 'bootstrapped-by-others') {
    const message = `somebody else bootstrapped Consul's ACLs (${detail}); put that token into ${place}, or write the index to acl-bootstrap-reset in the data folder of the leader`;
    return [{ source, reason, message }];
  }
  if (reason === 'no-token')
    return [{ source, reason, message: `${detail}; put the token with all rights there` }];
  if (reason === 'token-unknown')
    return [{ source, reason, message: `${detail} (${place}); put one with all rights there` }];
  return [];
}

/** `server-1 4/5`: the version that it runs, and the one that it should. */
export function loadedText({ agentSecrets }: SecureObserved, { kind, state }: Agent): string {
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

export type Gate =
  | { readonly kind: 'open'; readonly to: SecureStage }
  | { readonly kind: 'closed'; readonly to: SecureStage; readonly because: readonly string[] }
  | { readonly kind: 'last' };

const NAMED_PODS = 10;

/**
 * Whether the next stage may come, and what holds it back.
 *
 * @param pods injected pods; undefined when they cannot be listed
 */
export function nextGate(
  settings: SecureSettings,
  observed: SecureObserved,
  step: SecureStep,
  pods: readonly PodAccess[] | undefined,
): Gate {
  const to = stages[stages.indexOf(settings.stage) + 1];
  if (to === undefined) return { kind: 'last' };
  const { agents, keyring, acl } = observed;
  const elsewhere = agents.filter((agent) => !runs(settings, agent, settings.stage));
  const because = [
    ...elsewhere.map(({ pod }) => `${pod.name} does not run ${settings.stage} yet`),
    ...behind(settings, observed).map(
      (agent) => `${agent.pod.name} has not loaded its Secret (${loadedText(observed, agent)})`,
    ),
    ...(settings.gossip && keyring.kind === 'unknown' ? [`the gossip keyring: ${keyring.why}`] : []),
    ...(settings.acls && acl.kind !== 'known' ? ['the ACLs are not bootstrapped'] : []),
    ...(step.kind === 'keep' || step.kind === 'wait' ? [] : [`the step ${step.kind} is due`]),
    ...(to === 'require' ? podsHoldingBack(settings, pods) : []),
  ];
  return because.length === 0 ? { kind: 'open', to } : { kind: 'closed', to, because };
}

function podsHoldingBack(
  settings: SecureSettings,
  pods: readonly PodAccess[] | undefined,
): readonly string[] {
  if (pods === undefined) return ['the injected pods cannot be listed'];
  const names = cutOff(settings, pods).map(({ pod }) => pod);
  const more = names.length > NAMED_PODS ? [`${names.length - NAMED_PODS} more pods`] : [];
  return [...names.toSorted().slice(0, NAMED_PODS), ...more].map(
    (name) => `${name} would lose Consul, because it was injected before prefer: restart it`,
  );
}

/** By what can be seen of an agent; those that are silent run none. */
function runs({ acls, tls }: SecureSettings, { state }: Agent, stage: SecureStage): boolean {
  if (state.kind === 'silent') return false;
  const { run } = state;
  const isRpc = !tls || run.verifiesOutgoing === (stage !== 'accept');
  const isPolicy = !acls || (run.acls && run.defaultPolicy === (stage === 'require' ? 'deny' : 'allow'));
  return isRpc && isPolicy;
}
