/** Which agents have loaded their Secret, and what is done for those that have not. */
import { listed } from '../support/listed.ts';
import { leafOf } from './agent-secret.ts';
import type { Agent, SecureObserved } from './observed.ts';
import type { SecureSettings } from './secure-settings.ts';
import { wait, type SecureStep } from './secure-step.ts';

// The kubelet swaps the files of a Secret at its own pace.
const RELOAD_AGAIN = 5000;
export const BEHIND_AFTER = 5 * 60_000;

/** Line 6. */
export function reloadStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  const agent = behind(settings, observed).find(
    ({ pod, state }) =>
      state.kind === 'answers' &&
      observed.now >= (observed.memory.reloads.get(pod.uid) ?? -Infinity) + RELOAD_AGAIN,
  );
  return agent && { kind: 'reload', reason: 'secret-not-loaded', agent };
}

/** Agents that have not loaded their Secret. */
export function behind(settings: SecureSettings, observed: SecureObserved): readonly Agent[] {
  return observed.agents.filter((agent) => !isLoaded(settings, observed, agent));
}

/**
 * Agents that will load theirs soon. What must end at once does not wait for the others: somebody who controls a node could delay it forever.
 */
export function lately(settings: SecureSettings, observed: SecureObserved): readonly Agent[] {
  const { memory, now } = observed;
  return behind(settings, observed).filter(
    ({ pod }) => now < (memory.behindSince.get(pod.uid) ?? now) + BEHIND_AFTER,
  );
}

function isLoaded(
  { tls }: SecureSettings,
  { agentSecrets }: SecureObserved,
  { kind, state }: Agent,
): boolean {
  if (state.kind === 'silent') return false;
  const secret = agentSecrets[kind];
  return state.stamp === secret.stamp && (!tls || state.serial === leafOf(secret)?.serial);
}

/** Of each kind at least one agent is there, and all have loaded their Secret. External ones load none. */
export function isLoadedEverywhere(settings: SecureSettings, observed: SecureObserved): boolean {
  if (settings.external !== undefined) return true;
  return observed.agents.some(({ kind }) => kind === 'server') && behind(settings, observed).length === 0;
}

export function behindStep(settings: SecureSettings, observed: SecureObserved): SecureStep | undefined {
  const { memory, agentSecrets, now } = observed;
  const [agent, ...others] = behind(settings, observed);
  if (agent === undefined) return undefined;
  const { kind, pod, state } = agent;
  const detail =
    state.kind === 'silent'
      ? `${pod.name}: ${state.why}`
      : `${pod.name} ${state.stamp}/${agentSecrets[kind].stamp}`;
  const until = Math.min(
    ...[agent, ...others].map((each) => (memory.reloads.get(each.pod.uid) ?? now) + RELOAD_AGAIN),
  );
  return wait('agent-behind', listed([detail, ...others.map((each) => each.pod.name)], 1), until);
}
