/** The registrar inside of `tandem sync`: composes the watch on injected pods, Consul, the loop, and who is told of it. */
import type { PodReason } from '../catalog/connect/decide.ts';
import { boolean } from '../config/flag.ts';
import type { ConsulClient } from '../consul/client.ts';
import { connectCatalog } from '../consul/connect-catalog.ts';
import { createRegistrar, type Registrar, type RegistrarOptions } from '../controller/registrar-loop.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemClock } from '../kubernetes/clock.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import type { Log } from '../telemetry/logger.ts';
import { createRegistrarMetrics } from '../telemetry/registrar-metrics.ts';
import { clusterPods } from './pod-source.ts';
import { createRegistrarReporter } from './registrar-reporter.ts';

export const registrarFlags = {
  registrar: boolean('Keep injected pods in Consul: register those in dataplane mode.', false),
};

export type RegistrarParts = {
  readonly client: ApiClient;
  readonly consul: ConsulClient;
  readonly log: Log;
  readonly events: Pick<EventRecorder<string>, 'record'>;
  readonly onRestart: (failure: WatchFailure) => void;
  readonly options: RegistrarOptions;
};

export type RunningRegistrar = {
  /** Runs until the signal, while this replica leads. */
  readonly lead: (term: AbortSignal) => Promise<void>;
  readonly isSynced: () => boolean;
  /** Prometheus text format. */
  readonly metrics: () => Promise<string>;
  /** Plain JSON. */
  readonly status: () => object;
  readonly stop: () => Promise<void>;
};

/** Starts to watch the pods at once, also on a replica that does not lead. */
export function startRegistrar(parts: RegistrarParts): RunningRegistrar {
  const { client, consul, log, events, onRestart, options } = parts;
  const metrics = createRegistrarMetrics();
  const pods = clusterPods({ client, onRestart });
  const reporter = createRegistrarReporter({
    log,
    metrics,
    now: Date.now,
    isDryRun: options.dryRun,
    warn: (source, reason, message) => {
      const pod = pods.snapshot.pod(source);
      if (pod === undefined) return;
      const { namespace, name, uid } = pod;
      events.record({ apiVersion: 'v1', kind: 'Pod', namespace, name, uid }, 'Warning', reason, message);
    },
  });
  let registrar: Registrar | undefined;
  return {
    lead: async (term) => {
      const catalog = connectCatalog(consul);
      const ports = { source: pods, catalog, reporter, clock: systemClock, random: Math.random };
      registrar = createRegistrar(ports, options);
      await registrar.run(term);
      registrar = undefined;
    },
    isSynced: () => pods.status().isSynced,
    metrics: () => {
      const counts = registrar?.counts() ?? { owned: 0, foreign: 0, pending: 0 };
      return metrics.text({ ...counts, pods: podCounts(registrar) });
    },
    status: () => registrarStatus(registrar, reporter.state(), pods.status()),
    stop: pods.stop,
  };
}

/** Both loops of one leader: when one of them fails, the other ends too, before the lease is given back. */
export function together(
  loops: readonly ((term: AbortSignal) => Promise<void>)[],
): (term: AbortSignal) => Promise<void> {
  return async (term) => {
    const failing = new AbortController();
    const signal = AbortSignal.any([term, failing.signal]);
    const run = async (loop: (term: AbortSignal) => Promise<void>): Promise<void> => {
      try {
        await loop(signal);
      } catch (error) {
        failing.abort();
        throw error;
      }
    };
    const results = await Promise.allSettled(loops.map(run));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  };
}

function podCounts(registrar: Registrar | undefined): ReadonlyMap<PodReason, number> {
  const counts = new Map<PodReason, number>();
  for (const { reason } of registrar?.standings() ?? []) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

function registrarStatus(
  registrar: Registrar | undefined,
  { lastSuccess, lastFailure, heldRemovals, refused }: ReturnType<PodReporterState>,
  watch: object,
): object {
  const standings = registrar?.standings() ?? [];
  return {
    lastSuccess: timeOf(lastSuccess),
    lastFailure: lastFailure && { at: timeOf(lastFailure.at), error: lastFailure.error },
    heldRemovals,
    instances: registrar?.counts(),
    watch,
    pods: standings
      .toSorted((left, right) => (left.source < right.source ? -1 : 1))
      .map(({ source, reason, problem }) => ({ source, reason, problem, refused: refused.get(source) })),
  };
}

type PodReporterState = ReturnType<typeof createRegistrarReporter>['state'];

function timeOf(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
}
