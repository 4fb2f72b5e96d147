/** The agents of the nodes, and what the catalog has of their pods, as the clean-up of agent mode needs them. */
import {
  EXTERNAL_SOURCE_META,
  MANAGED_BY,
  MANAGED_BY_META,
  POD_UID_META,
  SYNTHETIC_META,
} from '../model/consul-names.ts';
import { agentState, podInstances } from '../catalog/mesh/agent-plan.ts';
import { checkEntry, serviceEntry, type NodeEntry } from '../model/consul-entries.ts';
import { listOf, mapAt, objectAt, textIn } from '../model/decode-consul.ts';
import type { AgentNode, Agents, PodInstanceOnNode } from '../controllers/agent-ports.ts';
import type { ConnectWrite, UnreadableNode } from '../controllers/registrar-ports.ts';
import { isAboutOneRequest, TandemError } from '../support/errors.ts';
import { jsonOf, requireWhole } from './answer.ts';
import type { ConsulCalls, OpenConsul } from './client.ts';
import { NEEDED_RULES, outcomeOf } from './connect-catalog.ts';
import { read, readNodes, readNodeServices } from './read.ts';
import {
  deregisterCatalog,
  deregisterFromAgent,
  registerAgentCheck,
  registerAtAgent,
  updateAgentCheck,
} from './write.ts';

// An agent answers from its memory. What a dead node leaves must be out of the catalog within 2 s.
const AGENT_MILLISECONDS = 1000;
const OF_PODS = `Meta["${MANAGED_BY_META}"] == "${MANAGED_BY}"`;

/** @param urlOf the address of a host's agent, `http[s]://host:port` */
export function consulAgents(client: OpenConsul, urlOf: (host: string) => string): Agents {
  const at = (host: string): ConsulCalls => client.at(urlOf(host));
  return {
    read: (host, signal) => readAgent(() => at(host), signal),
    deregister: (host, id, signal) => written(() => deregisterFromAgent(at(host), id, signal)),
    register: (host, { definition }, signal) => written(() => registerAtAgent(at(host), definition, signal)),
    setCheck: (host, { service, check, isNew }, signal) =>
      written(async () => {
        if (isNew) await registerAgentCheck(at(host), service, check, signal);
        await updateAgentCheck(at(host), check, signal);
      }),
    inCatalog: async (host, node, signal) => {
      const nodes = await readAgentNodes(client, { host, node }, signal);
      return (await Promise.all(nodes.map(({ Node }) => instancesOn(client, Node, signal)))).flat();
    },
    deregisterFromCatalog: (node, id, signal) =>
      outcomeOf(deregisterCatalog(client, { Node: node, ServiceID: id }, signal)),
    nodes: (owner, signal) => nodesOfOwner(client, owner, signal),
  };
}

async function readAgent(agent: () => ConsulCalls, signal: AbortSignal): ReturnType<Agents['read']> {
  const ask = <T>(path: string, entry: (value: unknown, place: string) => T) =>
    agent().call({
      endpoint: 'agent-read',
      method: 'GET',
      path,
      timeout: AGENT_MILLISECONDS,
      signal,
      read: (raw) => mapAt(jsonOf(raw), 'answer', entry),
    });
  try {
    const [services, checks] = await Promise.all([
      ask('/v1/agent/services', serviceEntry),
      ask('/v1/agent/checks', checkEntry),
    ]);
    return agentState(services, checks);
  } catch (error) {
    // What answers there is not an agent that can be used.
    if (error instanceof TandemError) return undefined;
    throw error;
  }
}

/** Whatever is wrong with one agent, the others must not wait for it. */
async function written(write: () => Promise<unknown>): Promise<ConnectWrite> {
  try {
    await write();
    return { kind: 'applied' };
  } catch (error) {
    if (error instanceof TandemError) return { kind: 'refused', reason: error.message };
    throw error;
  }
}

async function nodesOfOwner(
  client: OpenConsul,
  owner: string,
  signal: AbortSignal,
): ReturnType<Agents['nodes']> {
  const nodes: AgentNode[] = [];
  const unreadable: UnreadableNode[] = [];
  for (const { Node, Address } of await readAgentNodes(client, undefined, signal)) {
    try {
      const instances = (await instancesOn(client, Node, signal)).filter((each) => each.owner === owner);
      if (instances.length > 0) nodes.push({ name: Node, address: Address, instances });
    } catch (error) {
      if (!isAboutOneRequest(error)) throw error;
      unreadable.push({ name: Node, reason: error.message });
    }
  }
  return { nodes, unreadable };
}

async function instancesOn(
  client: OpenConsul,
  node: string,
  signal: AbortSignal,
): Promise<readonly PodInstanceOnNode[]> {
  const options = { signal, consistency: 'consistent', filter: OF_PODS } as const;
  const answer = await readNodeServices(client, node, options);
  requireWhole([answer], `of node ${JSON.stringify(node)}`, NEEDED_RULES);
  return podInstances(answer.value.services).map((each) => ({ ...each, node }));
}

/**
 * Nodes that may have an agent: neither synthetic ones nor those of the catalog sync.
 *
 * @param wanted address or name of the nodes that are wanted; undefined: all
 * @throws TandemError TANDEM_CONSUL_…
 */
export async function readAgentNodes(
  client: ConsulCalls,
  wanted: { readonly host: string; readonly node: string | undefined } | undefined,
  signal: AbortSignal,
): Promise<readonly NodeEntry[]> {
  const filter = wanted === undefined ? {} : { filter: filterOf(wanted) };
  const answer = await readNodes(client, { signal, consistency: 'consistent', ...filter });
  requireWhole([answer], 'nodes', NEEDED_RULES);
  return answer.value.filter(
    ({ Meta }) => Meta[SYNTHETIC_META] === undefined && Meta[EXTERNAL_SOURCE_META] === undefined,
  );
}

/** Names of the nodes on which the catalog has instances of the service that this pod has registered. @throws TandemError */
export async function readNodesOfPod(
  client: ConsulCalls,
  service: string,
  uid: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { value } = await read(
    client,
    {
      endpoint: 'catalog-service',
      path: `/v1/catalog/service/${encodeURIComponent(service)}`,
      decode: listOf((each, place) => textIn(objectAt(each, place), 'Node', place)),
    },
    { signal, consistency: 'consistent', filter: `ServiceMeta["${POD_UID_META}"] == ${JSON.stringify(uid)}` },
  );
  return value;
}

// An agent may tell the servers another address than that of its host, such as that of its own pod.
function filterOf({ host, node }: { readonly host: string; readonly node: string | undefined }): string {
  const byAddress = `Address == ${JSON.stringify(host)}`;
  return node === undefined ? byAddress : `${byAddress} or Node == ${JSON.stringify(node)}`;
}
