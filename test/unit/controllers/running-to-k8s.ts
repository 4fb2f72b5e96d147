/** The loop to Kubernetes between a Consul and a namespace that a test holds in its hands. */
import type { ConsulInstance } from '../../../src/catalog/to-kubernetes/consul-service.ts';
import type { ObjectChange } from '../../../src/catalog/to-kubernetes/object-changes.ts';
import type { ToK8sPlan } from '../../../src/catalog/to-kubernetes/object-plan.ts';
import { createToK8s, type ToK8s, type ToK8sOptions } from '../../../src/controllers/to-k8s-loop.ts';
import type { ObjectOutcome, ServiceEvents } from '../../../src/controllers/to-k8s-ports.ts';
import { createNamespace, type NamespaceModel } from '../../property/kubernetes-model.ts';
import { listOf, NOWHERE, SETTINGS } from '../catalog/to-kubernetes/consul-side.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export type RunningToK8s = {
  readonly clock: VirtualClock;
  readonly loop: ToK8s;
  readonly namespace: NamespaceModel;
  /** All that were sent to the API server. */
  readonly writes: readonly ObjectChange[];
  readonly plans: readonly ToK8sPlan[];
  readonly failures: readonly unknown[];
  readonly refusals: readonly string[];
  readonly guards: readonly { readonly removals: number }[];
  readonly faults: Faults;
  /** What Consul has from now on; undefined instances: they were not read yet. */
  readonly consul: (services: Readonly<Record<string, readonly ConsulInstance[] | undefined>>) => void;
  readonly listed: () => void;
  readonly ended: () => boolean;
  readonly stop: () => Promise<void>;
};

export type Faults = {
  /** Thrown after the change was applied (`lost`), or instead of it. */
  write?: { readonly error: Error; readonly lost: boolean } | undefined;
  refresh?: Error | undefined;
  /** Names that the API server refuses. */
  readonly refused: Set<string>;
  /** Milliseconds that every write takes. */
  slow?: number;
  /** The watch says nothing. */
  isDeaf?: boolean;
};

export function startToK8s(options: Partial<ToK8sOptions> = {}, isListed = true): RunningToK8s {
  const clock = createVirtualClock();
  const faults: Faults = { refused: new Set() };
  const record = {
    writes: [] as ObjectChange[],
    plans: [] as ToK8sPlan[],
    failures: [] as unknown[],
    refusals: [] as string[],
    guards: [] as { readonly removals: number }[],
  };
  const listed = Promise.withResolvers<void>();
  if (isListed) listed.resolve();
  let listener: (id: string) => void = () => undefined;
  let events: ServiceEvents | undefined;
  let services: Readonly<Record<string, readonly ConsulInstance[] | undefined>> | undefined;
  const namespace = createNamespace((id) => {
    if (faults.isDeaf !== true) queueMicrotask(() => listener(id));
  });
  const refresh = (): Promise<void> =>
    faults.refresh === undefined ? Promise.resolve() : Promise.reject(faults.refresh);
  const loop = createToK8s(
    {
      clock,
      random: () => 0.5,
      services: {
        list: () => services && listOf(Object.fromEntries(Object.keys(services).map((name) => [name, []]))),
        health: (name) => services?.[name],
        run: async (given, signal) => {
          events = given;
          if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
        refresh,
      },
      objects: {
        objects: namespace,
        synced: () => listed.promise,
        onChange: (call) => {
          listener = call;
          return () => {
            listener = () => undefined;
          };
        },
        refresh,
      },
      network: { network: () => NOWHERE, synced: () => Promise.resolve(), onChange: () => () => undefined },
      writer: {
        write: async (change): Promise<ObjectOutcome> => {
          record.writes.push(change);
          const { slow } = faults;
          if (slow !== undefined) await new Promise<void>((resolve) => void clock.after(slow, resolve));
          if (faults.write?.lost === false) throw faults.write.error;
          if (faults.refused.has(change.name)) return { kind: 'refused', reason: 'invalid' };
          const status = namespace.apply(change);
          if (faults.write !== undefined) throw faults.write.error;
          return status < 300 ? { kind: 'applied' } : { kind: 'stale' };
        },
      },
      reporter: {
        planned: (plan) => record.plans.push(plan),
        applied: () => undefined,
        refused: ({ name }) => record.refusals.push(name),
        guarded: (decision) => record.guards.push(decision),
        released: () => undefined,
        failed: (error) => record.failures.push(error),
        succeeded: () => undefined,
      },
    },
    { settings: SETTINGS, resync: 600_000, dryRun: false, once: false, ...options },
  );
  const ending = new AbortController();
  let hasEnded = false;
  const running = loop.run(ending.signal).then(() => (hasEnded = true));
  return {
    clock,
    loop,
    namespace,
    faults,
    ...record,
    consul: (next) => {
      services = next;
      events?.changed();
    },
    listed: () => listed.resolve(),
    ended: () => hasEnded,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}
