/** The Consul servers of the chart, and the nodes that they are on. */
import type { Cluster } from '../harness/cluster.ts';
import { podsOf, type Pod } from '../harness/list.ts';

export function serverPods({ api }: Cluster): Promise<readonly Pod[]> {
  return podsOf(api, 'tandem', 'app.kubernetes.io/component=server');
}

/** Of two nodes with three servers: the one with a single server, without which the others have a quorum, and the other. */
export async function nodesByServers(cluster: Cluster): Promise<readonly [string, string]> {
  const names = (await serverPods(cluster)).map(({ spec }) => spec.nodeName ?? '');
  const count = (name: string): number => names.filter((each) => each === name).length;
  const [few, many, ...more] = [...new Set(names)].toSorted((one, other) => count(one) - count(other));
  if (few === undefined || many === undefined || more.length > 0)
    throw new Error(`the servers are on ${names.join(', ')}, not on two nodes`);
  return [few, many];
}
