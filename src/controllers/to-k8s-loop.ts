/** Keeps the write namespace in step with Consul's services: level-based, so that a lost event costs time and nothing else. */
import { objectId, type ObjectChange } from '../catalog/to-kubernetes/object-changes.ts';
import { planToK8s, type ToK8sPlan } from '../catalog/to-kubernetes/object-plan.ts';
import type { ToK8sSettings } from '../catalog/to-kubernetes/to-k8s-settings.ts';
import { earliest } from '../support/earliest.ts';
import { createObjectApplier } from './apply-objects.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import { createKeyBackoff } from '../reconcile/key-backoff.ts';
import type { Clock } from '../reconcile/loop-clock.ts';
import { createLoop } from '../reconcile/loop.ts';
import { createWorkQueue } from '../reconcile/work-queue.ts';
import type {
  NetworkSource,
  ObjectOutcome,
  ObjectSource,
  ObjectWriter,
  ServiceSource,
  ToK8sReporter,
} from './to-k8s-ports.ts';

export type ToK8sOptions = {
  readonly settings: ToK8sSettings;
  /** Milliseconds between comparisons without a reason. */
  readonly resync: number;
  /** Compute and report, and write nothing. */
  readonly dryRun: boolean;
  /** End when both sides agree. */
  readonly once: boolean;
};

export type ToK8sPorts = {
  readonly services: ServiceSource;
  readonly objects: ObjectSource;
  readonly network: NetworkSource;
  readonly writer: ObjectWriter;
  readonly reporter: ToK8sReporter;
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
};

export type ToK8s = {
  /** Resolves when it has ended: by `once`, or by the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Of the last pass; undefined before the first. */
  readonly plan: () => ToK8sPlan | undefined;
};

// Milliseconds. A comparison of 2,000 services takes 16: at seven in a second a tenth of a core, and what was told is written
// 75 later on average, which leaves half of a quarter of a second to Consul and the API server.
const COALESCING = { quiet: 50, most: 150 };

type Changes = Pick<ToK8sPlan, 'create' | 'update' | 'delete'>;

export function createToK8s(ports: ToK8sPorts, options: ToK8sOptions): ToK8s {
  const { services, objects, network, writer, reporter, clock, random } = ports;
  const applier = createObjectApplier(writer, clock.elapsed);
  // A comparison of everything costs milliseconds, so an event names no key: it only asks for the next one.
  const queue = createWorkQueue(COALESCING);
  /** Ids of objects that the API server has refused. */
  const retries = createKeyBackoff(random);
  const guard = createDeletionGuard(clock, MANY_AT_ONCE, reporter);

  let resyncDue = -Infinity;
  let last: ToK8sPlan | undefined;

  const passes = createLoop({
    clock,
    random,
    due: () => earliest([queue.due(), guard.due(), retries.due(), applier.due(), resyncDue]),
    reconcile: pass,
    failed: reporter.failed,
    isDone: () => options.once && isSettled(),
  });

  const ask = (): void => {
    queue.add('', clock.elapsed());
    passes.notify();
  };

  /** What of a plan may be removed now: not much at once that was seen only once. */
  function allowedRemovals(plan: ToK8sPlan, isSecondLook: boolean): ToK8sPlan['delete'] {
    const withheld = guard.withheld(plan.delete.map(objectId), plan.owned, isSecondLook);
    return withheld.size === 0 ? plan.delete : [];
  }

  /** Without what the watch has not caught up with, and what the API server refused a moment ago. */
  function writable(changes: Changes): Changes {
    const isWritable = (change: ObjectChange): boolean =>
      !retries.isWaiting(objectId(change)) && !applier.isAhead(objectId(change));
    return {
      create: changes.create.filter(isWritable),
      update: changes.update.filter(isWritable),
      delete: changes.delete.filter(isWritable),
    };
  }

  function done(change: ObjectChange, outcome: ObjectOutcome): void {
    switch (outcome.kind) {
      case 'applied':
        return reporter.applied(change);
      case 'stale':
        return undefined;
      case 'refused':
        retries.failed(objectId(change), clock.elapsed());
        return reporter.refused(change, outcome.reason);
    }
  }

  async function pass(signal: AbortSignal): Promise<void> {
    const now = clock.elapsed();
    queue.take();
    applier.expire();
    retries.take(now);
    resyncDue = now + options.resync;
    const isSecondLook = (guard.due() ?? Infinity) <= now;
    if (isSecondLook) await Promise.all([services.refresh(signal), objects.refresh(signal)]);
    const list = services.list();
    // Nothing is known of Consul yet, so nothing of ours can be said to be missing or too much.
    if (list === undefined) return;
    const plan = planToK8s(list, services.health, objects.objects, options.settings, network.network());
    last = plan;
    const changes = writable({ ...plan, delete: allowedRemovals(plan, isSecondLook) });
    reporter.planned(plan, changes);
    if (!options.dryRun)
      await applier.apply([...changes.create, ...changes.update, ...changes.delete], done, signal);
    reporter.succeeded();
  }

  function isSettled(): boolean {
    const isKnown =
      last !== undefined && [...last.standings.values()].every(({ kind }) => kind !== 'unknown');
    const isQuiet = guard.due() === undefined && queue.size() === 0;
    return isKnown && isQuiet && (options.dryRun || (applier.due() ?? retries.due()) === undefined);
  }

  return {
    run: async (signal) => {
      // An address whose place is not known yet would be taken, and taken away a moment later.
      await Promise.all([objects.synced(signal), network.synced(signal)]);
      if (signal.aborted) return;
      const unsubscribe = objects.onChange((id) => {
        applier.seen(id);
        ask();
      });
      const forgetNetwork = network.onChange(ask);
      const ending = new AbortController();
      const events = {
        changed: ask,
        failed: (error: unknown, delay: number): void => reporter.failed(error, delay),
      };
      const reading = services.run(events, AbortSignal.any([signal, ending.signal]));
      await passes.run(signal);
      unsubscribe();
      forgetNetwork();
      ending.abort();
      await reading;
    },
    plan: () => last,
  };
}
