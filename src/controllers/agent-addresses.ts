/** Which cluster addresses the proxies of pods in agent mode have, and what else decides which they get. */
import { meshOf } from '../catalog/mesh/registered-pod.ts';
import { foundProxy, type AddressLoop } from './address-book.ts';
import type { SeenAgents } from './observe-agents.ts';

/** An agent tells the catalog only later what it has. */
export async function askForAddresses(
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
