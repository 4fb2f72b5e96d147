/** Agent mode: keeps agents free of what outlives its pod, gives back what they lose, mirrors readiness: level-based too. */
import {
  isLive,
  leftoversOf,
  planAgent,
  type AgentPlan,
  type AgentState,
  type PodInstance,
} from '../catalog/mesh/agent-plan.ts';
import { agentRegistrationsOf } from '../catalog/mesh/agent-registration.ts';
import type { InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { readinessCheckId } from '../model/consul-names.ts';
import { createController, type Request, type Writing } from '../reconcile/controller.ts';
import { createDeletionGuard, UNANNOUNCED } from '../reconcile/deletion-guard.ts';
import { inParallel } from '../reconcile/in-parallel.ts';
import { isAboutOneRequest } from '../support/errors.ts';
import type { AgentNode, Agents, PodInstanceOnNode } from './agent-ports.ts';
import { createCheckDrift } from './check-drift.ts';
import { createContested } from './contested.ts';
import type { RegistrarOptions, RegistrarPorts } from './registrar-loop.ts';
import type {
  ConnectCatalog,
  ConnectWrite,
  RegistrarAction,
  RegistrarChange,
  RegistrarReporter,
} from './registrar-ports.ts';
import { worstOf, type SeenInstance } from './pod-standings.ts';

export type AgentPorts = Pick<RegistrarPorts, 'source' | 'standings' | 'clock' | 'random'> & {
  readonly agents: Agents;
  readonly catalog: Pick<ConnectCatalog, 'checks' | 'watch'>;
  readonly reporter: Pick<
    RegistrarReporter,
    'applied' | 'refused' | 'unreadable' | 'pods' | 'failed' | 'succeeded'
  >;
};

export type AgentOptions = Omit<RegistrarOptions, 'once'>;

/** Of a host. */
type Seen = {
  readonly host: string;
  /** Undefined when no agent answers: only the catalog tells of it. */
  readonly state: AgentState | undefined;
  readonly inCatalog: readonly PodInstanceOnNode[];
  /** As they were after the read: a pod that came meanwhile is known by then. */
  readonly pods: readonly InjectedPod[];
  readonly at: number;
  readonly took: number;
};

/** `strays`: nodes of the catalog whose host is not known. */
type Observed = { readonly seen: readonly Seen[]; readonly strays: readonly AgentNode[] };

/** `place` is a host, or a node of the catalog whose host is not known. */
type PlacePlan = AgentPlan & { readonly place: string; readonly seen: Seen | undefined };

/** Resolves when the signal is aborted. */
export function runAgentLoop(ports: AgentPorts, options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { source, agents, catalog, reporter, standings, clock, random } = ports;
  const { owner } = options;
  const { snapshot } = source;
  const contested = createContested();
  const drift = createCheckDrift({
    checks: catalog.checks,
    places: snapshot.hosts,
    // An agent that was started anew without its data tells the catalog that it has nothing.
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

  const controller = createController<Observed, readonly PlacePlan[], RegistrarChange>({
    ...options,
    once: false,
    clock,
    random,
    reporter,
    guard: createDeletionGuard(clock, UNANNOUNCED),
    keySources: [contested, drift],
    synced: source.synced,
    watch: async (until) => {
      const unsubscribe = source.onChange(({ hosts }) => hosts.forEach(controller.enqueue));
      await catalog.watch(() => {
        drift.changed(clock.elapsed());
        controller.notify();
      }, until);
      unsubscribe();
    },
    reconciler: {
      observe,
      plan: ({ seen, strays }) => [...seen.map(planHost), ...planStrays(strays)],
      // A pod is known by its UID in every place.
      deletions: (plans) => ({
        ids: plans.flatMap(({ strangers }) => strangers.map(({ uid }) => uid)),
        owned: 0,
      }),
      withhold: (plans, uids) =>
        plans.map((each) => ({ ...each, strangers: each.strangers.filter(({ uid }) => !uids.has(uid)) })),
      planned: (plans) => plans.forEach(tell),
      apply: (plans, writing, until) => inParallel(plans, (each) => applyPlace(each, writing, until)),
      keyOf: ({ node }) => node,
    },
  });

  async function observe(request: Request, until: AbortSignal): Promise<Observed> {
    const { nodes, unreadable } = request.isFull
      ? await agents.nodes(owner, until)
      : { nodes: [], unreadable: [] };
    for (const each of unreadable) reporter.unreadable(each);
    const known = nodes.map(hostOf).filter((host) => host !== undefined);
    const hosts = request.isFull ? [...known, ...snapshot.hosts(), ...request.keys] : request.keys;
    const seen: Seen[] = [];
    await inParallel(new Set(hosts), async (host) => {
      try {
        seen.push(await read(host, until));
      } catch (error) {
        if (!isAboutOneRequest(error)) throw error;
        controller.backOff(host);
        reporter.unreadable({ name: host, reason: error.message });
      }
    });
    // A pod registers itself, so what the reads found may be of one that only a list that began after them has.
    if (request.isConfirmation) await source.refresh(until);
    return { seen, strays: nodes.filter((node) => hostOf(node) === undefined) };
  }

  async function read(host: string, until: AbortSignal): Promise<Seen> {
    const start = clock.elapsed();
    const state = snapshot.isHost(host) ? await agents.read(host, until) : undefined;
    const inCatalog = state === undefined ? await agents.inCatalog(host, snapshot.nodeAt(host), until) : [];
    const at = clock.elapsed();
    return { host, state, inCatalog, pods: snapshot.podsAt(host), at, took: at - start };
  }

  /** Where the agent of such a node is, as Kubernetes says: what the catalog says decides nowhere where the token goes. */
  function hostOf({ name, address }: AgentNode): string | undefined {
    return snapshot.isHost(address) ? address : snapshot.cluster.node(name)?.address;
  }

  function planHost(seen: Seen): PlacePlan {
    const { host, state, inCatalog, pods } = seen;
    const found = state ?? { instances: inCatalog, others: new Set<string>(), checks: new Map() };
    const plan = planAgent(pods, found, snapshot.cluster, snapshot.isEnded);
    return {
      ...plan,
      ...(state === undefined && { checks: [], register: [] }),
      strangers: plan.strangers.filter(({ uid }) => !snapshot.isKnown(uid)),
      place: host,
      seen,
    };
  }

  /** No agent is asked, so that only the catalog can be rid of what is left there. */
  function planStrays(nodes: readonly AgentNode[]): readonly PlacePlan[] {
    if (nodes.length === 0) return [];
    const live = new Set([...snapshot.pods()].filter(isLive).map(({ uid }) => uid));
    return nodes.map(({ name, instances }) => {
      const left = leftoversOf(instances, owner, (uid) => live.has(uid), snapshot.isEnded);
      const strangers = left.strangers.filter(({ uid }) => !snapshot.isKnown(uid));
      return { ...left, strangers, checks: [], register: [], conflicts: [], place: name, seen: undefined };
    });
  }

  function tell({ place: host, seen, deregister, conflicts }: PlacePlan): void {
    if (seen === undefined) return;
    const { state, pods, at, took } = seen;
    contested.looked(host, conflicts.length > 0 && state !== undefined, at, took);
    if (pods.length === 0) standings.forget(host);
    else if (state !== undefined) standings.looked(host, instancesIn(state), conflicts);
    reporter.pods(host, pods.map(standings.of));
    // An agent that comes back brings along what the catalog was rid of.
    if (state === undefined && (pods.length > 0 || deregister.length > 0)) controller.backOff(host);
  }

  async function applyPlace(
    plan: PlacePlan,
    writing: Writing<RegistrarChange>,
    until: AbortSignal,
  ): Promise<void> {
    const { place } = plan;
    const isAtAgent = plan.seen?.state !== undefined;
    const write = async (
      action: RegistrarAction,
      id: string,
      from: string | undefined,
      send: () => Promise<ConnectWrite>,
    ): Promise<void> => {
      const outcome = await send();
      const change = { action, node: place, id, source: from };
      if (outcome.kind === 'applied') writing.applied(change);
      else writing.refused(change, outcome.reason);
    };
    const dead: readonly (PodInstance | PodInstanceOnNode)[] = [...plan.deregister, ...plan.strangers];
    for (const each of dead) {
      await write('deregister', each.id, undefined, () =>
        !isAtAgent && 'node' in each
          ? agents.deregisterFromCatalog(each.node, each.id, until)
          : agents.deregister(place, each.id, until),
      );
    }
    for (const each of plan.register)
      await write('register', each.id, each.source, () => agents.register(place, each, until));
    // Then its checks are missing; and an agent knows no check-and-set, so a removal may have met a new pod of the same name.
    if (plan.register.length + dead.length > 0 && isAtAgent) controller.enqueue(place);
    for (const change of plan.checks)
      await write('check', change.check.id, change.source, () => agents.setCheck(place, change, until));
    // Then what was seen is not so any more.
    if (plan.checks.length > 0) controller.enqueue(place);
  }

  return controller.run(signal);
}

function instancesIn({ instances, checks }: AgentState): readonly SeenInstance[] {
  return instances.map(({ id, uid }) => {
    const its = [...checks.values()].filter(({ service }) => service === id);
    return { id, uid, status: worstOf(its) };
  });
}
