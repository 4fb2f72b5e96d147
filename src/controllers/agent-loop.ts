/** Agent mode: removes from agents what outlives its pod, restores what they lose, mirrors readiness. Level-based, too. */
import type { AgentState } from '../catalog/mesh/agent-plan.ts';
import { agentRegistrationsOf } from '../catalog/mesh/agent-registration.ts';
import { readinessCheckId } from '../model/consul-names.ts';
import { createController, type Controller } from '../reconcile/controller.ts';
import { createDeletionGuard, UNANNOUNCED, type GuardReporter } from '../reconcile/deletion-guard.ts';
import { inParallel } from '../reconcile/in-parallel.ts';
import type { Agents } from './agent-ports.ts';
import { applyPlacePlan } from './apply-place-plan.ts';
import { createCheckDrift } from './check-drift.ts';
import { createContested, NO_CONTEST } from './contested.ts';
import { AGENTS_AT_A_TIME, observeAgents, type SeenAgents } from './observe-agents.ts';
import { planPlaces, withoutStrangers, type PlacePlan } from './place-plan.ts';
import { worstOf, type SeenInstance } from './pod-statuses.ts';
import type { RegistrarOptions } from './registrar-loop.ts';
import type {
  ConnectCatalog,
  RegistrarChange,
  RegistrarPorts,
  RegistrarReporter,
} from './registrar-ports.ts';

type AgentPorts = Pick<RegistrarPorts, 'source' | 'statuses' | 'addresses' | 'clock' | 'random'> & {
  readonly agents: Agents;
  readonly catalog: Pick<ConnectCatalog, 'checks' | 'watch'>;
  readonly reporter: Omit<RegistrarReporter, 'planned' | keyof GuardReporter>;
};

type AgentOptions = Omit<RegistrarOptions, 'once'>;

/** Resolves when the signal is aborted. */
export function runAgentLoop(ports: AgentPorts, options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { source, agents, catalog, reporter, statuses, clock, random } = ports;
  const { snapshot } = source;
  const contested = createContested();
  const addresses = ports.addresses.loop('agents');
  const drift = createCheckDrift({
    catalog,
    places: snapshot.hosts,
    // An agent that restarts without its data tells the catalog that it has nothing.
    wholeIn: (checks) => {
      const ids = new Set([...checks.values()].flatMap((ofNode) => [...ofNode.keys()]));
      return (host) =>
        controller.isBackingOff(host) ||
        snapshot
          .podsAt(host)
          .flatMap((pod) => agentRegistrationsOf(pod, snapshot.cluster))
          .every(({ id, definition }) => 'Proxy' in definition || ids.has(readinessCheckId(id)));
    },
    elapsed: clock.elapsed,
  });

  const controller: Controller = createController<SeenAgents, readonly PlacePlan[], RegistrarChange>({
    ...options,
    once: false,
    clock,
    random,
    reporter,
    guard: createDeletionGuard(clock, UNANNOUNCED),
    keySources: [contested, drift],
    synced: source.synced,
    listen: () => [source.onChange(({ hosts }) => hosts.forEach((host) => controller.enqueue(host)))],
    watch: (until) => drift.watch(controller.notify, until),
    reconciler: {
      observe: (request, until) => {
        const parts = { ...ports, addresses, owner: options.owner, backOff: controller.backOff };
        return observeAgents(parts, request, until);
      },
      plan: (seen) => planPlaces(seen, snapshot, addresses.grant),
      // A pod is known by its UID in every place.
      deletions: (plans) => ({
        ids: plans.flatMap(({ strangers }) => strangers.map(({ uid }) => uid)),
        owned: 0,
      }),
      withhold: (plans, uids) => plans.map((plan) => withoutStrangers(plan, uids)),
      planned: (plans) => plans.forEach(tell),
      apply: (plans, writing, until) => {
        const write = async (plan: PlacePlan): Promise<void> => {
          if (await applyPlacePlan(plan, agents, writing, until)) controller.enqueue(plan.place);
        };
        return inParallel(plans, write, { atATime: AGENTS_AT_A_TIME });
      },
      keyOf: ({ node }) => node,
    },
  });

  function tell({ place: host, seen, deregister, conflicts }: PlacePlan): void {
    if (seen === undefined) return;
    const { state, pods, at, took } = seen;
    const waiting = addresses.waitingAt(host, pods);
    const contest = state === undefined ? NO_CONTEST : { isHeld: conflicts.length > 0, waiting };
    contested.observed(host, contest, at, took);
    if (pods.length === 0) statuses.forget(host);
    else if (state !== undefined) statuses.observed(host, instancesIn(state), conflicts);
    reporter.pods(host, pods.map(statuses.of));
    // An agent that comes back brings back what was removed from the catalog.
    if (state === undefined && (pods.length > 0 || deregister.length > 0)) controller.backOff(host);
  }

  return controller.run(signal);
}

function instancesIn({ instances, checks }: AgentState): readonly SeenInstance[] {
  return instances.map(({ id, uid }) => {
    const its = [...checks.values()].filter(({ service }) => service === id);
    return { id, uid, status: worstOf(its) };
  });
}
