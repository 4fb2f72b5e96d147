/** What is known of the cluster, by the Service that it matters to: a change of any object names the Services to reconcile. */
import { sourceOfService } from '../model/instance.ts';
import type { EndpointSlice, Ingress, Node, Service } from '../model/kubernetes-objects.ts';
import { createGroups } from '../support/groups.ts';
import type { RelatedObjects } from '../catalog/to-consul/desired-instances.ts';

/** `before` is undefined for an object that came, `after` for one that went. The answer: the sources that it may touch. */
type Change<T> = (before: T | undefined, after: T | undefined) => readonly string[];

export type ClusterSnapshot = {
  readonly sources: () => Iterable<string>;
  readonly service: (source: string) => Service | undefined;
  readonly related: (source: string) => RelatedObjects;
  readonly serviceChanged: Change<Service>;
  readonly sliceChanged: Change<EndpointSlice>;
  readonly nodeChanged: Change<Node>;
  readonly ingressChanged: Change<Ingress>;
  /** Nodes are being listed, and until then nobody knows where a NodePort Service is served. */
  readonly awaitNodes: () => void;
  /** There is a list of them. The answer: the sources that waited for it. */
  readonly nodesListed: () => readonly string[];
};

export function createClusterSnapshot(): ClusterSnapshot {
  const services = new Map<string, Service>();
  const slices = createGroups<EndpointSlice>();
  const nodes = new Map<string, Node>();
  const ingresses = createGroups<Ingress>();
  let areNodesAwaited = false;

  const serviceChanged: Change<Service> = (before, after) => {
    const of = (service: Service): string => sourceOfService(service.namespace, service.name);
    if (before !== undefined) services.delete(of(before));
    if (after !== undefined) services.set(of(after), after);
    return distinct([before, after], (service) => [of(service)]);
  };

  const sliceChanged: Change<EndpointSlice> = (before, after) => {
    const of = (slice: EndpointSlice): string => sourceOfService(slice.namespace, slice.service);
    if (before !== undefined) slices.remove(of(before), before.name);
    if (after !== undefined) slices.put(of(after), after.name, after);
    return distinct([before, after], (slice) => [of(slice)]);
  };

  const ingressChanged: Change<Ingress> = (before, after) => {
    if (before !== undefined)
      for (const source of sourcesOfIngress(before)) ingresses.remove(source, before.name);
    if (after !== undefined)
      for (const source of sourcesOfIngress(after)) ingresses.put(source, after.name, after);
    return distinct([before, after], sourcesOfIngress);
  };

  const nodeChanged: Change<Node> = (before, after) => {
    const name = (after ?? before)?.name;
    // A node reports its health every few seconds, but hardly ever a change of its addresses or its zone.
    if (name === undefined || isSameNode(before, after)) return [];
    if (after === undefined) nodes.delete(name);
    else nodes.set(name, after);
    return [...slices.names()].filter((source) =>
      [...slices.of(source).values()].some(({ endpoints }) => endpoints.some(({ node }) => node === name)),
    );
  };

  return {
    sources: () => services.keys(),
    service: (source) => services.get(source),
    related: (source) => ({
      slices: [...slices.of(source).values()],
      node: areNodesAwaited ? undefined : (name) => nodes.get(name),
      ingresses: [...ingresses.of(source).values()],
    }),
    serviceChanged,
    sliceChanged,
    nodeChanged,
    ingressChanged,
    awaitNodes: () => {
      areNodesAwaited = true;
    },
    nodesListed: () => {
      if (!areNodesAwaited) return [];
      areNodesAwaited = false;
      return [...services].flatMap(([source, { type }]) => (type === 'NodePort' ? source : []));
    },
  };
}

function sourcesOfIngress({ namespace, rules }: Ingress): readonly string[] {
  return [
    ...new Set(rules.flatMap(({ services }) => services.map((name) => sourceOfService(namespace, name)))),
  ];
}

function isSameNode(before: Node | undefined, after: Node | undefined): boolean {
  return (
    before !== undefined &&
    after !== undefined &&
    before.externalIps.join() === after.externalIps.join() &&
    before.internalIps.join() === after.internalIps.join() &&
    before.zone === after.zone
  );
}

function distinct<T>(objects: readonly (T | undefined)[], of: (object: T) => readonly string[]): string[] {
  return [...new Set(objects.flatMap((object) => (object === undefined ? [] : of(object))))];
}
