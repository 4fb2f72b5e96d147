/** What `tandem check` asks Consul about sidecars with redirected traffic. */
import type { MeshFacts, SidecarInstance } from '../check/mesh-findings.ts';
import { jsonOf, requireWhole } from '../consul/answer.ts';
import type { ConsulCalls } from '../consul/client.ts';
import { readNodes, readNodeServices } from '../consul/read.ts';
import { chunks } from '../support/chunks.ts';
import { property, textAt } from '../support/json.ts';
import { probe } from './probe.ts';

export async function meshFacts(client: ConsulCalls, signal: AbortSignal): Promise<MeshFacts> {
  const [proxies, isAllowedByDefault] = await Promise.all([
    probe(signal, (limited) => readProxies(client, limited)),
    probe(signal, (limited) => readDefault(client, limited)),
  ]);
  return { proxies, isAllowedByDefault };
}

const RULES = 'node_prefix "" { policy = "read" } and service_prefix "" { policy = "read" }';

// More at a time is hardly faster (see the figures in src/reconcile/in-parallel.ts).
const AT_A_TIME = 8;

/** Node by node: no endpoint of Consul's documented API has all instances, and that of a service needs its name. */
async function readProxies(client: ConsulCalls, signal: AbortSignal): Promise<readonly SidecarInstance[]> {
  const nodes = await readNodes(client, { signal });
  requireWhole([nodes], 'nodes', RULES);
  const proxies: SidecarInstance[] = [];
  for (const some of chunks(nodes.value, AT_A_TIME))
    proxies.push(...(await Promise.all(some.map(({ Node }) => proxiesOn(client, Node, signal)))).flat());
  return proxies;
}

async function proxiesOn(
  client: ConsulCalls,
  node: string,
  signal: AbortSignal,
): Promise<readonly SidecarInstance[]> {
  const answer = await readNodeServices(client, node, { signal, filter: 'Kind == "connect-proxy"' });
  requireWhole([answer], `of node ${JSON.stringify(node)}`, RULES);
  return answer.value.services.map(({ ID, Proxy, TaggedAddresses }) => ({
    node,
    id: ID,
    service: textAt(Proxy, 'DestinationServiceName'),
    address: TaggedAddresses['virtual']?.Address ?? '',
  }));
}

/** Consul's answer for two services that nobody has: wildcard intentions, else the default policy. */
function readDefault(client: ConsulCalls, signal: AbortSignal): Promise<boolean> {
  return client.call({
    endpoint: 'other',
    method: 'GET',
    path: '/v1/connect/intentions/check',
    query: { source: 'tandem-check-source', destination: 'tandem-check-destination' },
    signal,
    read: (answer) => {
      const isAllowed = property(jsonOf(answer), 'Allowed');
      if (typeof isAllowed !== 'boolean') throw new Error('the answer has no Allowed');
      return isAllowed;
    },
  });
}
