/** A snapshot of a cluster, made from a list of its objects, and updated from the next list. */
import { readEndpointSlice, readIngress, readNode, readService } from '../model/kubernetes-objects.ts';
import { createClusterSnapshot, type ClusterSnapshot } from '../controllers/cluster-snapshot.ts';
import { asString, property, type JsonObject } from '../support/json.ts';
import { withMirroredEndpoints } from './mirrored-endpoints.ts';

type ObjectSnapshot = {
  readonly snapshot: ClusterSnapshot;
  /** What is not among the objects has gone. @returns the sources to reconcile */
  readonly replace: (objects: readonly JsonObject[]) => readonly string[];
};

export function createObjectSnapshot(): ObjectSnapshot {
  const snapshot = createClusterSnapshot();
  const kinds = [
    kindOf('Service', readService, snapshot.serviceChanged),
    kindOf('EndpointSlice', readEndpointSlice, snapshot.sliceChanged),
    kindOf('Node', readNode, snapshot.nodeChanged),
    kindOf('Ingress', readIngress, snapshot.ingressChanged),
  ];
  return {
    snapshot,
    replace: (objects) => {
      const all = withMirroredEndpoints(objects);
      return [...new Set(kinds.flatMap((replace) => replace(all)))];
    },
  };
}

function kindOf<T>(
  kind: string,
  read: (raw: unknown) => T | undefined,
  changed: (before: T | undefined, after: T | undefined) => readonly string[],
): (objects: readonly JsonObject[]) => readonly string[] {
  let held = new Map<string, { readonly text: string; readonly value: T }>();
  return (objects) => {
    const before = held;
    held = new Map();
    for (const object of objects) {
      const value = property(object, 'kind') === kind ? read(object) : undefined;
      if (value !== undefined) held.set(keyOf(object), { text: JSON.stringify(object), value });
    }
    const touched: string[] = [];
    const touch = (sources: readonly string[]): void => {
      for (const source of sources) touched.push(source);
    };
    for (const [key, { text, value }] of held) {
      const old = before.get(key);
      if (old?.text !== text) touch(changed(old?.value, value));
    }
    for (const [key, { value }] of before) if (!held.has(key)) touch(changed(value, undefined));
    return touched;
  };
}

function keyOf(object: JsonObject): string {
  const metadata = property(object, 'metadata');
  return `${asString(property(metadata, 'namespace'))}/${asString(property(metadata, 'name'))}`;
}
