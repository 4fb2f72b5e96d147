/** Reads agents, from the catalog what is left of those that do not answer, and who has the addresses that pods would get. */
import type { AgentState } from '../catalog/mesh/agent-plan.ts';
import { meshOf, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import type { Request } from '../reconcile/controller.ts';
import { inParallel } from '../reconcile/in-parallel.ts';
import type { Clock } from '../support/clock.ts';
import { isAboutOneRequest } from '../support/errors.ts';
import { foundProxy, type AddressLoop } from './address-book.ts';
import type { AgentNode, Agents, PodInstanceOnNode } from './agent-ports.ts';
import type { PodSource, RegistrarReporter } from './registrar-ports.ts';

/** What was read of a host. */
export type SeenHost = {
  readonly host: string;
  /** Undefined when no agent answers: only the catalog tells of it. */
  readonly state: AgentState | undefined;
  readonly inCatalog: readonly PodInstanceOnNode[];
  /** As they were after the read: a pod that came meanwhile is known by then. */
  readonly pods: readonly InjectedPod[];
  /** When the read had ended, and how long it took. */
  readonly at: number;
  readonly took: number;
};

/** `strays`: nodes of the catalog whose host is not known. */
export type SeenAgents = {
  readonly hosts: readonly SeenHost[];
  readonly strays: readonly AgentNode[];
  /** Of all nodes; none unless everything is observed. */
  readonly inCatalog: readonly PodInstanceOnNode[];
};

type ObserveAgentsParts = {
  readonly source: PodSource;
  readonly agents: Agents;
  readonly addresses: AddressLoop;
  readonly owner: string;
  readonly clock: Clock;
  readonly reporter: Pick<RegistrarReporter, 'unreadable'>;
  readonly backOff: (host: string) => void;
};

/** Each agent is a process of its own, so asking all at once is not slower; one that is gone takes a second to fail. */
export const AGENTS_AT_A_TIME = 32;

export async function observeAgents(
  parts: ObserveAgentsParts,
  request: Request,
  signal: AbortSignal,
): Promise<SeenAgents> {
  const { addresses } = parts;
  addresses.begin(request.isFull);
  const seen = await readAgents(parts, request, signal);
  await askForAddresses(addresses, seen, signal);
  if (request.isFull) addresses.readAll();
  return seen;
}

/** One host that cannot be read does not keep the others waiting. */
async function readAgents(
  parts: ObserveAgentsParts,
  { keys, isFull, isConfirmation }: Request,
  signal: AbortSignal,
): Promise<SeenAgents> {
  const { source, agents, owner, reporter, backOff } = parts;
  const { snapshot } = source;
  const { nodes, unreadable } = isFull ? await agents.nodes(owner, signal) : { nodes: [], unreadable: [] };
  for (const each of unreadable) reporter.unreadable(each);
  // Kubernetes says where the agent of a node is: what the catalog says must never decide where the token goes.
  const hostOf = ({ name, address }: AgentNode): string | undefined =>
    snapshot.isHost(address) ? address : snapshot.cluster.node(name)?.address;
  const known = nodes.map(hostOf).filter((host) => host !== undefined);
  const wanted = isFull ? [...known, ...snapshot.hosts(), ...keys] : keys;
  const hosts: SeenHost[] = [];
  const look = async (host: string): Promise<void> => {
    try {
      hosts.push(await readHost(parts, host, signal));
    } catch (error) {
      if (!isAboutOneRequest(error)) throw error;
      backOff(host);
      reporter.unreadable({ name: host, reason: error.message });
    }
  };
  await inParallel(new Set(wanted), look, { atATime: AGENTS_AT_A_TIME });
  // Pods register themselves, so the reads may have found one that only a list that began after them contains.
  if (isConfirmation) await source.refresh(signal);
  return {
    hosts,
    strays: nodes.filter((node) => hostOf(node) === undefined),
    inCatalog: nodes.flatMap(({ instances }) => instances),
  };
}

async function readHost(
  { source: { snapshot }, agents, clock }: ObserveAgentsParts,
  host: string,
  signal: AbortSignal,
): Promise<SeenHost> {
  const start = clock.elapsed();
  const state = snapshot.isHost(host) ? await agents.read(host, signal) : undefined;
  const inCatalog = state === undefined ? await agents.inCatalog(host, snapshot.nodeAt(host), signal) : [];
  const at = clock.elapsed();
  return { host, state, inCatalog, pods: snapshot.podsAt(host), at, took: at - start };
}

/** An agent tells the catalog only later what it has. */
async function askForAddresses(
  addresses: AddressLoop,
  { hosts, inCatalog }: SeenAgents,
  signal: AbortSignal,
): Promise<void> {
  addresses.found(inCatalog.map(foundProxy));
  const wanting = hosts.flatMap(({ host, state, inCatalog: left, pods }) => {
    const instances = state?.instances ?? left;
    addresses.foundAt(host, state === undefined ? [] : instances.map(foundProxy));
    if (state === undefined) addresses.found(left.map(foundProxy));
    return pods.map((pod) => {
      const proxy = instances.find(({ id, uid }) => uid === pod.uid && id === meshOf(pod)?.proxyId);
      return { pod, found: proxy && foundProxy(proxy) };
    });
  });
  await addresses.ask(wanting, signal);
}
