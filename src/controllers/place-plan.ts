/** What has to change at each host with an agent, and on nodes of the catalog whose host is unknown. */
import { isLive, leftoversOf, planAgent, type AgentPlan } from '../catalog/mesh/agent-plan.ts';
import { foundProxy, type AddressLoop } from './address-book.ts';
import type { AgentNode } from './agent-ports.ts';
import type { SeenAgents, SeenHost } from './observe-agents.ts';
import type { PodSource } from './registrar-ports.ts';

/** `place` is a host, or a node of the catalog whose host is not known; only hosts were read. */
export type PlacePlan = AgentPlan & { readonly place: string; readonly seen: SeenHost | undefined };

export function planPlaces(
  { hosts, strays }: SeenAgents,
  snapshot: PodSource['snapshot'],
  grant: AddressLoop['grant'],
): readonly PlacePlan[] {
  return [...hosts.map((seen) => planHost(seen, snapshot, grant)), ...planStrays(strays, snapshot)];
}

/** The plan without the strangers of these UIDs. */
export function withoutStrangers(plan: PlacePlan, uids: ReadonlySet<string>): PlacePlan {
  return { ...plan, strangers: plan.strangers.filter(({ uid }) => !uids.has(uid)) };
}

function planHost(seen: SeenHost, snapshot: PodSource['snapshot'], grant: AddressLoop['grant']): PlacePlan {
  const { host, state, inCatalog, pods } = seen;
  const found = state ?? { instances: inCatalog, others: new Set<string>(), checks: new Map() };
  // Without an agent nothing is written there, and nothing granted.
  const plan = planAgent(pods, found, snapshot.cluster, snapshot.isEnded, (pod, proxy) =>
    state !== undefined && snapshot.isKnown(pod.uid)
      ? grant({ pod, found: foundProxy(proxy) })
      : proxy.virtual,
  );
  return {
    ...plan,
    ...(state === undefined && { checks: [], register: [], update: [] }),
    strangers: plan.strangers.filter(({ uid }) => !snapshot.isKnown(uid)),
    place: host,
    seen,
  };
}

/** No agent is asked, so only the catalog can be cleaned of what is left there. */
function planStrays(
  nodes: readonly AgentNode[],
  { cluster, pods, isEnded, isKnown }: PodSource['snapshot'],
): readonly PlacePlan[] {
  if (nodes.length === 0) return [];
  const live = new Set([...pods()].filter(isLive).map(({ uid }) => uid));
  return nodes.map(({ name, instances }) => {
    const left = leftoversOf(instances, cluster.owner, (uid) => live.has(uid), isEnded);
    const strangers = left.strangers.filter(({ uid }) => !isKnown(uid));
    return {
      ...left,
      strangers,
      checks: [],
      register: [],
      update: [],
      conflicts: [],
      place: name,
      seen: undefined,
    };
  });
}
