/** Metrics of the registrar; beside those of the catalog sync, in the same process. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { podReasons, type PodReason } from '../catalog/connect/decide.ts';
import { registrarActions, type RegistrarAction } from '../controller/registrar-ports.ts';
import { errorTable } from '../support/errors.ts';
import type { MetricDefinitions } from './metric-definition.ts';

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
    labels: { code: [...Object.keys(errorTable), 'other'] },
  },
} as const satisfies MetricDefinitions;

// As the catalog sync: a quarter of a second, and the minutes of an outage.
const COMMIT_BUCKETS = [0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1, 2, 5, 15, 60, 300];

/** What is asked for when somebody scrapes. */
export type RegistrarGauges = {
  readonly pods: ReadonlyMap<PodReason, number>;
  readonly owned: number;
  readonly foreign: number;
  readonly pending: number;
};

export type RegistrarMetrics = {
  readonly change: (action: RegistrarAction, result: 'applied' | 'refused') => void;
  readonly eventToCommit: (seconds: number) => void;
  /** @param time milliseconds since the epoch */
  readonly success: (time: number) => void;
  readonly failure: (code: string) => void;
  readonly heldRemovals: (count: number) => void;
  /** Prometheus text format. */
  readonly text: (gauges: RegistrarGauges) => Promise<string>;
};

export function createRegistrarMetrics(): RegistrarMetrics {
  const registry = new Registry();
  const registers = [registry];
  const options = <N extends keyof typeof registrarMetricDefinitions>(name: N) => ({
    name,
    help: registrarMetricDefinitions[name].help,
    labelNames: Object.keys(registrarMetricDefinitions[name].labels),
    registers,
  });
  const pods = new Gauge(options('tandem_registrar_pods'));
  const instances = new Gauge(options('tandem_registrar_instances'));
  const changes = new Counter(options('tandem_registrar_changes_total'));
  const commit = new Histogram({
    ...options('tandem_registrar_event_to_commit_seconds'),
    buckets: COMMIT_BUCKETS,
  });
  const success = new Gauge(options('tandem_registrar_last_success_timestamp_seconds'));
  const pending = new Gauge(options('tandem_registrar_pending_keys'));
  const held = new Gauge(options('tandem_registrar_held_removals'));
  const failures = new Counter(options('tandem_registrar_failures_total'));
  return {
    change: (action, result) => changes.inc({ action, result }),
    eventToCommit: (seconds) => commit.observe(seconds),
    success: (time) => success.set(time / 1000),
    failure: (code) => failures.inc({ code: Object.hasOwn(errorTable, code) ? code : 'other' }),
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
