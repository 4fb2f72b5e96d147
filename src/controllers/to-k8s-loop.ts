/** Keeps the write namespace in step with Consul's services: level-based, so that a lost event costs time and nothing else. */
import { objectId, type ObjectChange } from '../catalog/to-kubernetes/object-changes.ts';
import { planToK8s, type ToK8sPlan } from '../catalog/to-kubernetes/object-plan.ts';
import type { ConsulList } from '../catalog/to-kubernetes/consul-service.ts';
import type { ToK8sSettings } from '../catalog/to-kubernetes/to-k8s-settings.ts';
import { ANY, createObjectApplier } from './apply-objects.ts';
import { createController, type ControllerOptions, type ControllerRuntime } from '../reconcile/controller.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import type {
  NetworkSource,
  ObjectSource,
  ObjectWriter,
  ServiceSource,
  ToK8sReporter,
} from './to-k8s-ports.ts';

export type ToK8sOptions = ControllerOptions & {
  readonly settings: ToK8sSettings;
};

type ToK8sPorts = ControllerRuntime & {
  readonly services: ServiceSource;
  readonly objects: ObjectSource;
  readonly network: NetworkSource;
  readonly writer: ObjectWriter;
  readonly reporter: ToK8sReporter;
};

export type ToK8s = {
  /** Resolves when it has ended: by `once`, or by the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Of the last reconcile; undefined before the first. */
  readonly plan: () => ToK8sPlan | undefined;
};

// Milliseconds. A comparison of 2,000 services takes 16: seven in a second take a tenth of a core, and a change is written
// 75 later on average, which leaves half of a quarter of a second to Consul and the API server.
const COALESCING = { quiet: 50, most: 150 };

type Planned = {
  readonly whole: ToK8sPlan;
  /** The changes that are carried out. */
  readonly now: readonly ObjectChange[];
};

export function createToK8s(ports: ToK8sPorts, options: ToK8sOptions): ToK8s {
  const { services, objects, network, writer, reporter, clock, random } = ports;
  const { settings } = options;
  const applier = createObjectApplier(writer, clock.elapsed);
  let last: ToK8sPlan | undefined;

  const controller = createController<ConsulList, Planned, ObjectChange>({
    ...options,
    clock,
    random,
    reporter,
    scope: 'all',
    coalescing: COALESCING,
    guard: createDeletionGuard(clock, MANY_AT_ONCE, reporter),
    keySources: [applier],
    isSettled: () => isKnown() && applier.due() === undefined,
    // An address of unknown origin would be taken, and removed a moment later.
    synced: async (signal) => void (await Promise.all([objects.synced(signal), network.synced(signal)])),
    listen: () => [
      objects.onChange((id) => {
        if (!applier.seen(id)) controller.enqueue(id, ANY);
      }),
      network.onChange(() => controller.enqueue('network', ANY)),
    ],
    watch: (signal) =>
      services.run({ changed: () => controller.enqueue('services', ANY), failed: reporter.failed }, signal),
    reconciler: {
      refresh: async ({ isConfirmation }, signal) => {
        if (isConfirmation) await Promise.all([services.refresh(signal), objects.refresh(signal)]);
      },
      observe: async () => services.list(),
      plan: planOf,
      deletions: ({ whole }) => ({ ids: whole.delete.map(objectId), owned: whole.owned }),
      withhold: ({ whole, now }, ids) => ({
        whole,
        now: now.filter((change) => change.action !== 'delete' || !ids.has(objectId(change))),
      }),
      planned: ({ whole, now }) => {
        last = whole;
        reporter.planned(whole, now);
      },
      apply: async ({ now }, writing, signal) => {
        await applier.apply(now, writing, signal);
        if (now.length > 0) controller.enqueue('written', ANY);
      },
      keyOf: objectId,
    },
  });

  /** Without changes that the watch has not reported yet, or that the API server has just refused. */
  function planOf(list: ConsulList): Planned {
    const whole = planToK8s(list, services.health, objects.objects, settings, network.network());
    const isWritable = (change: ObjectChange): boolean =>
      !controller.isBackingOff(objectId(change)) && !applier.isAhead(objectId(change));
    return { whole, now: [...whole.create, ...whole.update, ...whole.delete].filter(isWritable) };
  }

  function isKnown(): boolean {
    return last !== undefined && [...last.states.values()].every(({ kind }) => kind !== 'unknown');
  }

  return { run: controller.run, plan: () => last };
}
