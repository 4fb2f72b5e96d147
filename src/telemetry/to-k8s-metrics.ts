/** Metrics of the direction from Consul to Kubernetes. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { toK8sProblemReasons } from '../catalog/to-kubernetes/to-k8s-problem.ts';
import { metricOptions, type MetricDefinitions } from './metric-definition.ts';
import { failureCode, failureCodes } from './pass-metrics.ts';

const actions = ['create', 'update', 'delete'] as const;
const kinds = ['Service', 'EndpointSlice'] as const;

export const toK8sMetricDefinitions = {
  tandem_to_k8s_services: {
    type: 'gauge',
    help: 'Services of Consul that are selected, and those of them that have a Service in Kubernetes.',
    labels: { state: ['selected', 'present'] },
  },
  tandem_to_k8s_changes_total: {
    type: 'counter',
    help: 'Objects written to the API server, or refused by it.',
    labels: { kind: kinds, action: actions, result: ['applied', 'refused'] },
  },
  tandem_to_k8s_problems: {
    type: 'gauge',
    help: 'Problems of services of Consul as they stand.',
    labels: { reason: Object.keys(toK8sProblemReasons) },
  },
  tandem_to_k8s_held_removals: {
    type: 'gauge',
    help: 'Removals of objects that wait for a second look, because they are many.',
    labels: {},
  },
  tandem_to_k8s_failures_total: {
    type: 'counter',
    help: 'Reads and passes that failed; each is tried again.',
    labels: { code: failureCodes },
  },
  tandem_to_k8s_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When the objects were last compared with Consul and written, in seconds since the epoch.',
    labels: {},
  },
} as const satisfies MetricDefinitions;

export type ToK8sMetrics = {
  readonly services: (selected: number, present: number) => void;
  readonly change: (
    kind: (typeof kinds)[number],
    action: (typeof actions)[number],
    result: 'applied' | 'refused',
  ) => void;
  /** @param counts those that there are; the others are 0 */
  readonly problems: (counts: ReadonlyMap<string, number>) => void;
  readonly heldRemovals: (count: number) => void;
  readonly failure: (code: string) => void;
  /** @param time milliseconds since the epoch */
  readonly success: (time: number) => void;
};

export function createToK8sMetrics(registry: Registry): ToK8sMetrics {
  const options = metricOptions(toK8sMetricDefinitions, registry);
  const services = new Gauge(options('tandem_to_k8s_services'));
  const changes = new Counter(options('tandem_to_k8s_changes_total'));
  const problems = new Gauge(options('tandem_to_k8s_problems'));
  const held = new Gauge(options('tandem_to_k8s_held_removals'));
  const failures = new Counter(options('tandem_to_k8s_failures_total'));
  const success = new Gauge(options('tandem_to_k8s_last_success_timestamp_seconds'));
  return {
    services: (selected, present) => {
      services.set({ state: 'selected' }, selected);
      services.set({ state: 'present' }, present);
    },
    change: (kind, action, result) => changes.inc({ kind, action, result }),
    problems: (counts) => {
      for (const reason of Object.keys(toK8sProblemReasons))
        problems.set({ reason }, counts.get(reason) ?? 0);
    },
    heldRemovals: (count) => held.set(count),
    failure: (code) => failures.inc({ code: failureCode(code) }),
    success: (time) => success.set(time / 1000),
  };
}
