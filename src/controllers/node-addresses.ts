/** The registrations of pods on a synthetic node, with the addresses that they may have. */
import type { ObservedSyntheticNode } from '../catalog/mesh/observed-registration.ts';
import { registrationsOf, type PodRegistration } from '../catalog/mesh/pod-registration.ts';
import { meshOf, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { indexed } from '../model/instance.ts';
import type { AddressLoop, FoundProxy, PodWithProxy } from './address-book.ts';
import { isOf, type Wanted } from './pod-keys.ts';
import type { PodSnapshot } from './pod-snapshot.ts';

type AskedNode = {
  readonly node: string;
  readonly wanted: Wanted;
  readonly observed: ObservedSyntheticNode;
};

/**
 * Reports what Consul has on the node, and asks Consul for whatever else decides which addresses these pods get.
 *
 * @returns what to register of a pod, as it is by then
 */
export async function askedFor(
  addresses: AddressLoop,
  { cluster, podsOn }: Pick<PodSnapshot, 'cluster' | 'podsOn'>,
  { node, wanted, observed }: AskedNode,
  signal: AbortSignal,
): Promise<(pod: InjectedPod) => readonly PodRegistration[]> {
  const found = new Map<string, FoundProxy>(
    observed.instances
      .filter(({ kind }) => kind === 'connect-proxy')
      .map(({ id, proxy, virtual }) => [indexed(id), { name: proxy.destinationName, virtual }]),
  );
  const withProxy = (pod: InjectedPod): PodWithProxy => ({
    pod,
    found: found.get(indexed(meshOf(pod)?.proxyId ?? '')),
  });
  addresses.found([...found.values()]);
  await addresses.ask(podsOn(node).filter(isOf(wanted)).map(withProxy), signal);
  return (pod) =>
    registrationsOf(pod, cluster)
      .filter(({ id }) => wanted === undefined || wanted.has(indexed(id)))
      .map((each) =>
        // Only one of several services of a pod has the address.
        each.id === meshOf(pod)?.proxyId ? { ...each, virtual: addresses.grant(withProxy(pod)) } : each,
      );
}
