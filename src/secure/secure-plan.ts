/** What is to be done next, as a decision: the first step that applies. */
import { aclStep, ownerTaken } from './acl-plan.ts';
import { leafOf } from './agent-secret.ts';
import { dueAt, certificatesIn } from '../support/known-certificate.ts';
import { keyringStep, removalDue } from './keyring-plan.ts';
import { behindStep, isLoadedEverywhere, reloadStep } from './loaded.ts';
import type { SecureObserved } from './observed.ts';
import { publishStep, secretStep } from './secret-step.ts';
import { agentKindsOf, type SecureSettings } from './secure-settings.ts';
import { wait, type SecureStep } from './secure-step.ts';
import { broughtStep, finishStep, stateStep } from './state-step.ts';

// A server that has just been started serves within seconds.
const ASK_AGAIN = 1000;
const BOOTSTRAP_AGAIN = 30_000;
// Somebody has to rename a cluster first.
const OWNER_AGAIN = 30_000;

/**
 * The first line that applies. Each is one write; nothing is written in Consul before it is in a Secret, so that an end at any
 * moment loses nothing.
 *
 * | observed                                                          | step                       |
 * | ----------------------------------------------------------------- | -------------------------- |
 * | no usable CA, a third of its life left, asked, or another brought | `new-ca`                   |
 * | a key or a token is missing, or its rotation is asked             | `make`, `write-bootstrap`  |
 * | the ConfigMap is not the CAs that have not left                   | `publish-ca`               |
 * | an agent's Secret is not what it should be, or its leaf is due    | `write-secret`             |
 * | an agent has not loaded its Secret                                | `reload`, each 5 s         |
 * | the operator's Secret has no token yet                            | `wait` no-token            |
 * | a server runs without ACLs                                        | `wait` acls-off            |
 * | external servers do not know the token                            | `wait` token-unknown       |
 * | another cluster has the same name and owner on them               | `wait` owner-taken         |
 * | servers of ours do not know it, and take a bootstrap              | `bootstrap`                |
 * | … and take none                                                   | `wait` bootstrapped-by-…   |
 * | a policy, token, role, auth method is missing or different        | `put`, `put-auth-method`   |
 * | a binding rule is missing, there twice, or not wanted             | `put-rule`, `delete-rule`  |
 * | a token of ours that no Secret has                                | `delete-token`             |
 * | a member lacks the gossip key, does not use it first, has an older | `keyring`                 |
 * | something that was exchanged is in use everywhere                 | `write-state`              |
 * | an agent is behind                                                | `wait` agent-behind        |
 * | something that the operator brings cannot be used                 | `wait` brought-unusable    |
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
    behindStep(settings, observed) ??
    broughtStep(observed) ?? {
      kind: 'keep',
      reason: 'nothing-due',
      until: nextDue(settings, observed),
    }
  );
}

/** Lines 7 to 12. */
function aclsStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  if (!settings.acls) return undefined;
  const { acl, agents, memory, now, bootstrap, state } = observed;
  if (bootstrap.token === undefined)
    return wait('no-token', bootstrap.lack ?? 'it is not made yet', now + ASK_AGAIN);
  if (acl.kind === 'unasked') return wait('no-agent', 'no Consul server answers', now + ASK_AGAIN);
  if (acl.kind === 'failed') return wait('consul-unavailable', acl.why, now + ASK_AGAIN);
  const off = agents.find(
    (each) => each.kind === 'server' && each.state.kind === 'answers' && !each.state.run.acls,
  );
  if (acl.kind === 'off' || off !== undefined)
    return wait('acls-off', `${off?.pod.name ?? 'a server'} runs without ACLs`, now + ASK_AGAIN);
  if (acl.kind === 'token-unknown' && settings.external !== undefined)
    return wait('token-unknown', 'Consul does not know the token in the Secret', now + ASK_AGAIN);
  if (acl.kind === 'token-unknown') {
    const offUntil = (memory.aclsOffAt ?? -Infinity) + ASK_AGAIN;
    if (now < offUntil) return wait('acls-off', 'the leader runs without ACLs', offUntil);
    const closed = memory.bootstrapClosed;
    if (closed === undefined || now >= closed.at + BOOTSTRAP_AGAIN)
      return { kind: 'bootstrap', reason: 'acls-not-bootstrapped' };
    return wait('bootstrapped-by-others', `reset index ${closed.index}`, closed.at + BOOTSTRAP_AGAIN);
  }
  if (state === undefined) return undefined;
  const taken = ownerTaken(settings, acl);
  if (taken !== undefined) return wait('owner-taken', taken, now + OWNER_AGAIN);
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

function nextDue(settings: SecureSettings, observed: SecureObserved): number {
  const leaves = agentKindsOf(settings).flatMap((of) => leafOf(observed.agentSecrets[of]) ?? []);
  const cas = certificatesIn(observed.state?.ca?.certificate ?? '');
  const older = observed.state?.older.map(({ leavesAt }) => leavesAt) ?? [];
  const times = [...[...leaves, ...cas].map(dueAt), ...older, removalDue(observed) ?? Infinity];
  // What is brought stays even if it is due, and so does what cannot be made to last longer.
  return Math.min(...times.filter((time) => time > observed.now));
}
