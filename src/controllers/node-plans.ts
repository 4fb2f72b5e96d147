/** Reads synthetic nodes, or parts of them, and plans each as soon as it is read, so that only the plans stay in memory. */
import { POD_UID_META } from '../model/consul-names.ts';
import { indexed } from '../model/instance.ts';
import { decidePod } from '../catalog/mesh/decide-pod.ts';
import { planNode, type NodePlan } from '../catalog/mesh/node-plan.ts';
import type { ObservedRegistration, ObservedSyntheticNode } from '../catalog/mesh/observed-registration.ts';
import type { InjectedPod } from '../catalog/mesh/registered-pod.ts';
import type { Request } from '../reconcile/controller.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';
import { isAboutOneRequest } from '../support/errors.ts';
import { askedFor } from './node-addresses.ts';
import type { Contested } from './contested.ts';
import { firstKeys, isOf, isPodOn, keyOfInstance, wantedOf, type Wanted } from './pod-keys.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { worstOf, type SeenInstance } from './pod-statuses.ts';
import type { RegistrarChange, RegistrarPorts } from './registrar-ports.ts';

type NodePlansParts = RegistrarPorts & {
  readonly owner: string;
  readonly contested: Contested;
  /** Looks at this key later, or at once. */
  readonly backOff: (key: string) => void;
  readonly enqueue: (key: string) => void;
};

type NodePlans = {
  readonly of: (request: Request, signal: AbortSignal) => Promise<readonly NodePlan[]>;
  /** The key of the last request because of which this was planned. */
  readonly askedBy: (change: RegistrarChange) => string;
  readonly planned: (plan: NodePlan) => void;
  readonly applied: (change: RegistrarChange) => void;
  readonly refused: (change: RegistrarChange) => void;
  /** Consul did not take this of the last plan of the node: no drift, and no reason to observe it before its time. */
  readonly isRefused: (node: string, id: string) => boolean;
  readonly hasRefused: (node: string) => boolean;
  /** Instances on all nodes: as they were read last, and what was written since. */
  readonly counts: () => { readonly owned: number; readonly foreign: number };
};

// Four pods. A filter that compares with more costs Consul what the rest of a node does.
const MOST_WANTED = 8;

export function createNodePlans(parts: NodePlansParts): NodePlans {
  const { source, catalog, reporter, statuses, clock, owner, contested } = parts;
  const { snapshot } = source;
  /** Names of nodes that Consul does not return. */
  const unreadable = new Set<string>();
  const refusedOn = new Map<string, Set<string>>();
  const seen = createCounts();
  const addresses = parts.addresses.loop('registrar');
  let askedOn: ReadonlyMap<string, string> = new Map();

  function narrowed(node: string, wanted: Wanted): Wanted {
    if (unreadable.has(node)) return wanted;
    const isKnown = seen.has(node) && !refusedOn.has(node);
    return isKnown ? fewOf(wanted, snapshot.podsOn(node), parts) : undefined;
  }

  async function planOf(node: string, asked: Wanted, signal: AbortSignal): Promise<NodePlan> {
    const start = clock.elapsed();
    const wanted = narrowed(node, asked);
    const observed = await catalog.read(node, signal, wanted && [...wanted]);
    const registrationsOf = await askedFor(addresses, snapshot, { node, wanted, observed }, signal);
    // After the read: a pod that came meanwhile is in the catalog sooner, and one that went is not brought back.
    const pods = snapshot.podsOn(node);
    const part = wanted === undefined ? { pods, observed } : partOf({ pods, observed }, wanted);
    const plan = planNode(node, part.pods.flatMap(registrationsOf), part.observed, owner);
    const contest = { isHeld: plan.conflicts.length > 0, waiting: addresses.waitingAt(node, pods) };
    const now = clock.elapsed();
    contested.observed(node, contest, now, now - start);
    if (pods.length === 0) statuses.forget(node);
    else statuses.observed(node, part.observed.instances.map(seenInstance), plan.conflicts, wanted);
    reporter.pods(node, pods.map(statuses.of));
    if (wanted === undefined) seen.set(node, plan);
    // The last pod has ended meanwhile, and the node may have to go too.
    else if (!isNeeded(pods, snapshot)) parts.enqueue(node);
    return wanted === undefined ? plan : { ...plan, removeNode: false };
  }

  return {
    of: async ({ keys, isFull }, signal) => {
      askedOn = firstKeys(keys);
      addresses.begin(isFull);
      const known = isFull ? await catalog.nodes(owner, signal) : [];
      const wanted = wantedOf(isFull ? [...known, ...snapshot.nodes(), ...keys] : keys);
      const plans: NodePlan[] = [];
      const read = async ([node, asked]: readonly [string, Wanted]): Promise<void> => {
        try {
          plans.push(await planOf(node, asked, signal));
          if (asked === undefined) unreadable.delete(node);
        } catch (error) {
          // Consul has just listed its nodes, so if it cannot return one, the fault is that node's.
          if (!isAboutOneRequest(error) || !(isFull || unreadable.has(node))) throw error;
          unreadable.add(node);
          parts.backOff(node);
          if (asked === undefined) for (const key of keys) if (isPodOn(node, key)) parts.enqueue(key);
          reporter.unreadable({ name: node, reason: error.message });
        }
      };
      await inParallel(wanted, read, { atATime: SMALL_CALLS });
      // The holder of an address may have been read after those that want it.
      if (isFull) for (const node of addresses.readAll()) parts.enqueue(node);
      return plans;
    },
    askedBy: ({ node, id }) => askedOn.get(keyOfInstance(node, id)) ?? askedOn.get(node) ?? node,
    planned: (plan) => {
      refusedOn.delete(plan.name);
      reporter.planned(plan);
    },
    applied: ({ action, node, id, source: from }) => {
      seen.written(node, action);
      const pod = from === undefined ? undefined : snapshot.pod(from);
      if (pod !== undefined) statuses.written(pod, id);
    },
    refused: ({ node, id }) => void refusedOn.set(node, (refusedOn.get(node) ?? new Set()).add(id)),
    isRefused: (node, id) => refusedOn.get(node)?.has(id) === true,
    hasRefused: (node) => refusedOn.has(node),
    counts: seen.all,
  };
}

/**
 * A node on which something is wrong, or that may have to go, is observed as a whole. If Consul cannot return it as a whole,
 * because of what somebody has put there, at least what was asked for is observed.
 */
function fewOf(
  wanted: Wanted,
  pods: readonly InjectedPod[],
  { source: { snapshot }, statuses }: Pick<NodePlansParts, 'source' | 'statuses'>,
): Wanted {
  const isFew = wanted !== undefined && wanted.size <= MOST_WANTED;
  return isFew && !pods.some(statuses.hasConflict) && isNeeded(pods, snapshot) ? wanted : undefined;
}

/** A node exists for pods that are registered. One that has ended may be known for days, without an instance. */
function isNeeded(pods: readonly InjectedPod[], { cluster }: Pick<PodSnapshot, 'cluster'>): boolean {
  return pods.some((pod) => decidePod(pod, cluster) === 'registered');
}

function seenInstance({ id, meta, check, otherChecks }: ObservedRegistration): SeenInstance {
  const checks = check === undefined ? otherChecks : [check, ...otherChecks];
  return { id, uid: meta[POD_UID_META] ?? '', status: worstOf(checks) };
}

type Part = {
  readonly pods: readonly InjectedPod[];
  readonly observed: ObservedSyntheticNode;
};

/** What these ids are about, and nothing else that the answer may have. */
function partOf({ pods, observed }: Part, wanted: ReadonlySet<string>): Part {
  return {
    pods: pods.filter(isOf(wanted)),
    observed: { ...observed, instances: observed.instances.filter(({ id }) => wanted.has(indexed(id))) },
  };
}

type Counts = { readonly owned: number; readonly foreign: number };

function createCounts() {
  const byNode = new Map<string, Counts>();
  const set = (node: string, { owned, foreign }: Counts): void => {
    if (owned + foreign > 0) byNode.set(node, { owned, foreign });
    else byNode.delete(node);
  };
  return {
    has: (node: string): boolean => byNode.has(node),
    set,
    written: (node: string, action: RegistrarChange['action']): void => {
      const { owned, foreign } = byNode.get(node) ?? { owned: 0, foreign: 0 };
      if (action === 'register') set(node, { owned: owned + 1, foreign });
      if (action === 'deregister') set(node, { owned: owned - 1, foreign });
    },
    all: (): Counts => ({
      owned: [...byNode.values()].reduce((sum, { owned }) => sum + owned, 0),
      foreign: [...byNode.values()].reduce((sum, { foreign }) => sum + foreign, 0),
    }),
  };
}
