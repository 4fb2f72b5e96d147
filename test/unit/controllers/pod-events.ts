/** Pods that come, change and go, as a source of the controllers tells it. */
import assert from 'node:assert/strict';
import type { MeshService } from '../../../src/catalog/mesh/mesh-cluster.ts';
import type { InjectedPod } from '../../../src/catalog/mesh/registered-pod.ts';
import { createPodSnapshot, type Touched } from '../../../src/controllers/pod-snapshot.ts';
import type { PodSource } from '../../../src/controllers/registrar-ports.ts';
import { podOf, type PodSketch } from '../catalog/mesh/injected-pods.ts';

export function serviceOf(
  name: string,
  selector: Readonly<Record<string, string>>,
  address?: string,
): MeshService {
  return {
    namespace: 'default',
    name,
    created: '2026-01-01T00:00:00Z',
    selector: new Map(Object.entries(selector)),
    address,
    ports: [{ port: 80, target: 8080 }],
  };
}

/** @param refresh what happens when all pods are listed again */
export function podEvents(
  settings: Parameters<typeof createPodSnapshot>[0],
  refresh: () => Promise<void> | void,
) {
  const snapshot = createPodSnapshot(settings);
  let listener: (touched: Touched) => void = () => undefined;
  const source: PodSource = {
    snapshot,
    synced: async () => undefined,
    onChange: (call) => {
      listener = call;
      return () => undefined;
    },
    refresh: async () => refresh(),
  };
  const services = new Map<string, MeshService | undefined>();
  snapshot.servicesListed();
  const named = (name: string): InjectedPod | undefined => snapshot.pod(`Pod/default/${name}`);
  return {
    snapshot,
    source,
    /** The pod came or changed; it, as it is now. */
    set: (sketch: PodSketch): InjectedPod => {
      const after = podOf(sketch);
      listener(snapshot.podChanged(named(after.name), after));
      return after;
    },
    /** A Service with this cluster address came or changed; without one it is gone. */
    service: (
      name: string,
      selector: Readonly<Record<string, string>>,
      address: string | undefined,
    ): void => {
      const before = services.get(name);
      const after = address === undefined ? undefined : serviceOf(name, selector, address);
      services.set(name, after);
      listener(snapshot.serviceChanged(before, after));
    },
    remove: (name: string): void => {
      const before = named(name);
      assert.ok(before);
      const terminating: InjectedPod = { ...before, stage: 'terminating' };
      listener(snapshot.podChanged(before, terminating));
      listener(snapshot.podChanged(terminating, undefined));
    },
  };
}
