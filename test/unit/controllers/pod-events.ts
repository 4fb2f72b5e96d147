/** Pods that come, change and go, as a source of the controllers tells it. */
import assert from 'node:assert/strict';
import type { InjectedPod } from '../../../src/catalog/mesh/registered-pod.ts';
import { createPodSnapshot, type Touched } from '../../../src/controllers/pod-snapshot.ts';
import type { PodSource } from '../../../src/controllers/registrar-ports.ts';
import { podOf, type PodSketch } from '../catalog/mesh/injected-pods.ts';

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
    remove: (name: string): void => {
      const before = named(name);
      assert.ok(before);
      const terminating: InjectedPod = { ...before, stage: 'terminating' };
      listener(snapshot.podChanged(before, terminating));
      listener(snapshot.podChanged(terminating, undefined));
    },
  };
}
