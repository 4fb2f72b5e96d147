/** Metrics of the registrar; beside those of the catalog sync, in the same process. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { podReasons, type PodReason } from '../catalog/mesh/decide-pod.ts';
import { registrarActions, type RegistrarAction } from '../controllers/registrar-ports.ts';
import { metricOptions, type MetricDefinitions } from './metric-definition.ts';
import { COMMIT_BUCKETS, failureCode, failureCodes } from './pass-metrics.ts';

export const registrarMetricDefinitions = {
  tandem_registrar_pods: {
    type: 'gauge',
    help: 'Injected pods, by why they are in Consul by the registrar, or are not.',
    labels: { reason: Object.keys(podReasons) },
  },
  tandem_registrar_instances: {
    type: 'gauge',
    help: 'Instances on synthetic nodes: owned, and foreign beside them.',
    labels: { state: ['owned', 'foreign'] },
  },
  tandem_registrar_changes_total: {
    type: 'counter',
    help: 'Changes of injected pods written to Consul, or refused by it.',
    labels: { action: registrarActions, result: ['applied', 'refused'] },
  },
  tandem_registrar_event_to_commit_seconds: {
    type: 'histogram',
    help: 'Time from the event of a pod to the commit of its change in Consul.',
    labels: {},
  },
  tandem_registrar_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When pods and Consul were last seen to agree, in seconds since the epoch.',
    labels: {},
  },
  tandem_registrar_pending_keys: {
    type: 'gauge',
    help: 'Synthetic nodes that an event named and that were not looked at yet.',
    labels: {},
  },
  tandem_registrar_held_removals: {
    type: 'gauge',
    help: 'Instances of pods missing without an announced end that wait for a second look, because they are many.',
    labels: {},
  },
  tandem_registrar_failures_total: {
    type: 'counter',
    help: 'Passes of the registrar that failed; each is tried again.',
    labels: { code: failureCodes },
  },
} as const satisfies MetricDefinitions;

/** What is asked for when somebody scrapes. */
export type RegistrarGauges = {
  readonly pods: ReadonlyMap<PodReason, number>;
  readonly owned: number;
  readonly foreign: number;
  readonly pending: number;
};

/** The one that registers (dataplane mode), and the one that cleans up at agents (agent mode). */
export type RegistrarLoop = 'catalog' | 'agents';

export type RegistrarMetrics = {
  readonly change: (action: RegistrarAction, result: 'applied' | 'refused') => void;
  readonly eventToCommit: (seconds: number) => void;
  /** Both loops have to agree with Consul: shown is the older of their last times. @param time milliseconds since the epoch */
  readonly success: (loop: RegistrarLoop, time: number) => void;
  readonly failure: (code: string) => void;
  readonly heldRemovals: (count: number) => void;
  /** Prometheus text format. */
  readonly text: (gauges: RegistrarGauges) => Promise<string>;
};

export function createRegistrarMetrics(): RegistrarMetrics {
  const registry = new Registry();
  const options = metricOptions(registrarMetricDefinitions, registry);
  const pods = new Gauge(options('tandem_registrar_pods'));
  const instances = new Gauge(options('tandem_registrar_instances'));
  const changes = new Counter(options('tandem_registrar_changes_total'));
  const commit = new Histogram({
    ...options('tandem_registrar_event_to_commit_seconds'),
    buckets: COMMIT_BUCKETS,
  });
  const successes: Record<RegistrarLoop, number> = { catalog: 0, agents: 0 };
  const success = new Gauge(options('tandem_registrar_last_success_timestamp_seconds'));
  const pending = new Gauge(options('tandem_registrar_pending_keys'));
  const held = new Gauge(options('tandem_registrar_held_removals'));
  const failures = new Counter(options('tandem_registrar_failures_total'));
  return {
    change: (action, result) => changes.inc({ action, result }),
    eventToCommit: (seconds) => commit.observe(seconds),
    success: (loop, time) => {
      successes[loop] = time;
      success.set(Math.min(...Object.values(successes)) / 1000);
    },
    failure: (code) => failures.inc({ code: failureCode(code) }),
    heldRemovals: (count) => held.set(count),
    text: (gauges) => {
      for (const reason of Object.keys(podReasons) as PodReason[])
        pods.set({ reason }, gauges.pods.get(reason) ?? 0);
      for (const state of ['owned', 'foreign'] as const) instances.set({ state }, gauges[state]);
      pending.set(gauges.pending);
      return registry.metrics();
    },
  };
}
