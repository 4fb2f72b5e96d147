/** Keys of the registrar: a synthetic node, or one pod on it, of which no more than the two instances of each service have to be read. */
import { indexed } from '../model/instance.ts';
import { PROXY_SUFFIX } from '../model/consul-names.ts';
import { nodeOfPod } from '../catalog/mesh/pod-registration.ts';
import { servicesOf, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import type { Touched } from './pod-snapshot.ts';

/** Ids of instances; undefined: all that is on the node. */
export type Wanted = ReadonlySet<string> | undefined;

// Consul treats ids that differ only in case as the same; these have only one spelling, and nothing in them needs quotes.
const PLAIN = /^[a-z0-9.-]+$/;

export function isOf(wanted: Wanted): (pod: InjectedPod) => boolean {
  return (pod) =>
    wanted === undefined || servicesOf(pod).some(({ serviceId }) => wanted.has(indexed(serviceId)));
}

// Not in the name of any node or owner.
const SEPARATOR = '\n';

/** The node with the id of each of its services, or the node alone. */
export function keysOfPod(pod: InjectedPod, node: string): readonly string[] {
  const services = servicesOf(pod);
  return services.length === 0 ? [node] : services.map(({ serviceId }) => keyOfInstance(node, serviceId));
}

/** What an event asks for; `group` for events that only bring registrations, which can wait. */
export function keysOf(
  { nodes, pods, isArrival }: Touched,
  owner: string,
): readonly { readonly key: string; readonly group: string | undefined }[] {
  if (pods === undefined) return nodes.map((key) => ({ key, group: undefined }));
  return pods.flatMap((pod) => {
    const node = nodeOfPod(pod, owner);
    const group = isArrival === true ? pod.namespace : undefined;
    return node === undefined ? [] : keysOfPod(pod, node).map((key) => ({ key, group }));
  });
}

/** The key of the pod that has this instance. */
export function keyOfInstance(node: string, id: string): string {
  const service = id.endsWith(PROXY_SUFFIX) ? id.slice(0, -PROXY_SUFFIX.length) : id;
  return PLAIN.test(service) ? `${node}${SEPARATOR}${service}` : node;
}

/** Each key by itself, and each node by the first key that is on it. */
export function firstKeys(keys: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    keys.toReversed().flatMap((key) => [
      [key.split(SEPARATOR)[0] ?? '', key],
      [key, key],
    ]),
  );
}

/** The key is that of a pod on this node. */
export function isPodOn(node: string, key: string): boolean {
  return key.startsWith(`${node}${SEPARATOR}`);
}

/** What is to be observed, by node. */
export function wantedOf(keys: Iterable<string>): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Set<string> | undefined>();
  for (const key of keys) {
    const [node = '', id] = key.split(SEPARATOR);
    if (id === undefined) wanted.set(node, undefined);
    else if (!wanted.has(node)) wanted.set(node, new Set([id, `${id}${PROXY_SUFFIX}`]));
    else wanted.get(node)?.add(id).add(`${id}${PROXY_SUFFIX}`);
  }
  return wanted;
}
