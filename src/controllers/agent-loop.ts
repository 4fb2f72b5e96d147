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
import { readinessCheckId } from '../model/instance.ts';
import { earliest } from '../support/earliest.ts';
import { isAboutOneRequest } from '../support/errors.ts';
import type { AgentNode, Agents, PodInstanceOnNode } from './agent-ports.ts';
import { createCheckDrift } from './check-drift.ts';
import { createContested } from './contested.ts';
import { createPassLoop } from './pass-loop.ts';
import type { RegistrarOptions, RegistrarPorts } from './registrar-loop.ts';
import type { ConnectCatalog, ConnectWrite, RegistrarAction, RegistrarReporter } from './registrar-ports.ts';
import { CONFIRM_AFTER } from './removal-hold.ts';
import { worstOf, type SeenInstance } from './pod-standings.ts';
import { createRetries } from './retries.ts';
import { sideBySide } from './side-by-side.ts';
import { createWorkQueue, type Work } from './work-queue.ts';

export type AgentPorts = Pick<RegistrarPorts, 'source' | 'standings' | 'clock' | 'random'> & {
  readonly agents: Agents;
  readonly catalog: Pick<ConnectCatalog, 'checks' | 'watch'>;
  readonly reporter: Pick<
    RegistrarReporter,
    'applied' | 'refused' | 'unreadable' | 'pods' | 'failed' | 'succeeded'
  >;
};

export type AgentOptions = Omit<RegistrarOptions, 'once'>;

/** `place` is a host, or a node of the catalog whose host is not known. */
type Found = { readonly place: string; readonly plan: AgentPlan; readonly fromCatalog: boolean };

/** Resolves when the signal is aborted. */
export async function runAgentLoop(
  ports: AgentPorts,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<void> {
  const { source, agents, catalog, reporter, standings, clock, random } = ports;
  const { owner } = options;
  const { snapshot } = source;
  const queue = createWorkQueue();
  /** Hosts where something was refused, or whose agent does not answer. */
  const retries = createRetries(random);
  const drift = createCheckDrift({
    checks: catalog.checks,
    // An agent that was started anew without its data tells the catalog that it has nothing.
    wholeIn: (checks) => {
      const ids = new Set([...checks.values()].flatMap((ofNode) => [...ofNode.keys()]));
      return (host) =>
        snapshot
          .podsAt(host)
          .flatMap((pod) => agentRegistrationsOf(pod, snapshot.cluster))
          .every(({ id, definition }) => 'Proxy' in definition || ids.has(readinessCheckId(id)));
    },
    elapsed: clock.elapsed,
  });
  const contested = createContested();
  let fullDue = -Infinity;
  /** Instances of no pod that is known, until the second look. */
  let held: { readonly uids: ReadonlySet<string>; readonly due: number } | undefined;
  const nextFull = (): number => Math.min(fullDue, held?.due ?? Infinity);
  const passes = createPassLoop({
    clock,
    random,
    due: () => earliest([nextFull(), queue.due(), retries.due(), drift.due(), contested.due()]),
    pass,
    failed: reporter.failed,
    isDone: () => false,
  });

  const liveUids = (): readonly string[] => [...snapshot.pods()].filter(isLive).map(({ uid }) => uid);

  async function look(host: string): Promise<Found> {
    const start = clock.elapsed();
    const state = snapshot.isHost(host) ? await agents.read(host, signal) : undefined;
    const fromCatalog = state === undefined;
    const seen = state ?? {
      instances: await agents.inCatalog(host, snapshot.nodeAt(host), signal),
      others: new Set<string>(),
      checks: new Map(),
    };
    // After the read: a pod that came meanwhile is known by now.
    const pods = snapshot.podsAt(host);
    const plan = planAgent(pods, seen, snapshot.cluster, snapshot.isEnded);
    const now = clock.elapsed();
    contested.looked(host, plan.conflicts.length > 0 && !fromCatalog, now, now - start);
    if (pods.length === 0) standings.forget(host);
    else if (!fromCatalog) standings.looked(host, seenAt(seen), plan.conflicts);
    reporter.pods(host, pods.map(standings.of));
    // An agent that comes back brings along what the catalog was rid of.
    if (fromCatalog && (pods.length > 0 || plan.deregister.length > 0)) retries.failed(host, now);
    return { place: host, plan: fromCatalog ? { ...plan, checks: [], register: [] } : plan, fromCatalog };
  }

  /** Where the agent of such a node is, as Kubernetes says: what the catalog says decides nowhere where the token goes. */
  function hostOf({ name, address }: AgentNode): string | undefined {
    return snapshot.isHost(address) ? address : snapshot.cluster.node(name)?.address;
  }

  /** No agent is asked, so that only the catalog can be rid of what is left there. */
  function elsewhere({ name, instances }: AgentNode, isThere: (uid: string) => boolean): Found {
    const left = leftoversOf(instances, owner, isThere, snapshot.isEnded);
    return {
      place: name,
      plan: { ...left, checks: [], register: [], conflicts: [] },
      fromCatalog: true,
    };
  }

  async function carryOut(
    { place: host, plan, fromCatalog }: Found,
    confirmed: ReadonlySet<string>,
    work: Work,
  ): Promise<void> {
    const write = async (
      action: RegistrarAction,
      id: string,
      from: string | undefined,
      send: () => Promise<ConnectWrite>,
    ): Promise<void> => {
      const outcome = await send();
      const change = { action, node: host, id, source: from };
      const since = work.get(host);
      if (outcome.kind === 'applied')
        reporter.applied(change, since === undefined ? undefined : (clock.elapsed() - since) / 1000);
      else {
        retries.failed(host, clock.elapsed());
        reporter.refused(change, outcome.reason);
      }
    };
    const dead: readonly (PodInstance | PodInstanceOnNode)[] = [
      ...plan.deregister,
      ...plan.strangers.filter(({ uid }) => confirmed.has(uid)),
    ];
    for (const each of dead) {
      await write('deregister', each.id, undefined, () =>
        fromCatalog && 'node' in each
          ? agents.deregisterFromCatalog(each.node, each.id, signal)
          : agents.deregister(host, each.id, signal),
      );
    }
    for (const each of plan.register)
      await write('register', each.id, each.source, () => agents.register(host, each, signal));
    // Then its checks are missing; and an agent knows no check-and-set, so a removal may have met a new pod of the same name.
    if (plan.register.length + dead.length > 0 && !fromCatalog) queue.add(host, clock.elapsed());
    for (const change of plan.checks)
      await write('check', change.check.id, change.source, () => agents.setCheck(host, change, signal));
    // Then what was seen is not so any more.
    if (plan.checks.length > 0) queue.add(host, clock.elapsed());
  }

  async function pass(): Promise<void> {
    const now = clock.elapsed();
    const isSecondLook = held !== undefined && held.due <= now;
    const isFull = passes.isRepeat() || nextFull() <= now;
    for (const host of [...retries.take(now), ...contested.take(now)]) queue.add(host, now);
    if ((drift.due() ?? Infinity) <= now)
      for (const host of await drift.look(snapshot.hosts(), signal))
        if (!retries.isWaiting(host)) queue.add(host, now);
    const work = queue.take();
    const { nodes, unreadable } = isFull ? await agents.nodes(owner, signal) : { nodes: [], unreadable: [] };
    for (const each of unreadable) reporter.unreadable(each);
    const known = nodes.map(hostOf).filter((host) => host !== undefined);
    const hosts = isFull ? new Set([...known, ...snapshot.hosts(), ...work.keys()]) : work.keys();
    const strays = nodes.filter((node) => hostOf(node) === undefined);
    const live = new Set(strays.length === 0 ? [] : liveUids());
    const found: Found[] = strays.map((node) => elsewhere(node, (uid) => live.has(uid)));
    await sideBySide(hosts, async (host) => {
      try {
        found.push(await look(host));
      } catch (error) {
        if (!isAboutOneRequest(error)) throw error;
        retries.failed(host, clock.elapsed());
        reporter.unreadable({ name: host, reason: error.message });
      }
    });
    // Whose pod is in a list that began after the look is none: that is what makes the second look safe.
    if (isSecondLook) await source.refresh(signal);
    const confirmed = new Set(
      [...(isSecondLook ? (held?.uids ?? []) : [])].filter((uid) => !snapshot.isKnown(uid)),
    );
    if (!options.dryRun) await sideBySide(found, (each) => carryOut(each, confirmed, work));
    if (isSecondLook) held = undefined;
    const strangers = found
      .flatMap(({ plan }) => plan.strangers)
      .map(({ uid }) => uid)
      .filter((uid) => !confirmed.has(uid) && !snapshot.isKnown(uid));
    if (strangers.length > 0 && held === undefined)
      held = { uids: new Set(strangers), due: clock.elapsed() + CONFIRM_AFTER };
    if (isFull) fullDue = clock.elapsed() + options.resync;
    reporter.succeeded();
  }

  await source.synced(signal);
  const unsubscribe = source.onChange(({ hosts }) => {
    for (const host of hosts) queue.add(host, clock.elapsed());
    passes.notify();
  });
  const watching = catalog.watch(() => {
    drift.changed(clock.elapsed());
    passes.notify();
  }, signal);
  await passes.run(signal);
  unsubscribe();
  await watching;
}

function seenAt({ instances, checks }: AgentState): readonly SeenInstance[] {
  return instances.map(({ id, uid }) => {
    const its = [...checks.values()].filter(({ service }) => service === id);
    return { id, uid, status: worstOf(its) };
  });
}
