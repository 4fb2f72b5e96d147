/** Metrics of the catalog sync. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { problemReasons } from '../model/problem.ts';
import { followCount } from './follow-count.ts';
import { droppedLogLines } from './logger.ts';
import { metricOptions, type MetricDefinitions } from './metric-definition.ts';
import { COMMIT_BUCKETS, failureCode, failureCodes } from './pass-metrics.ts';
import { createToK8sMetrics, toK8sMetricDefinitions, type ToK8sMetrics } from './to-k8s-metrics.ts';

const actions = ['register', 'update', 'deregister'] as const;
// Those of the edges, which nothing here may import; a test compares them.
const consulEndpoints = [
  'acl-token-delete',
  'acl-tokens',
  'agent-check-register',
  'agent-check-update',
  'agent-read',
  'agent-service-deregister',
  'agent-service-register',
  'catalog-deregister',
  'catalog-register',
  'catalog-service',
  'health-node',
  'health-service',
  'health-state',
  'leader',
  'login',
  'logout',
  'node-services',
  'nodes',
  'other',
  'services',
  'transaction',
] as const;
const restartCauses = [
  'closed',
  'gone',
  'disordered',
  'unreachable',
  'reset',
  'idle',
  'garbled',
  'denied',
  'throttled',
  'server-error',
  'refused',
] as const;
const watchedKinds = [
  'services',
  'endpointslices',
  'nodes',
  'ingresses',
  'servicecidrs',
  'pods',
  'serviceaccounts',
] as const;

export const syncMetricDefinitions = {
  tandem_sync_log_lines_dropped_total: {
    type: 'counter',
    help: 'Log lines that were lost because nobody read standard output.',
    labels: {},
  },
  tandem_sync_instances: {
    type: 'gauge',
    help: 'Instances: desired by the cluster, owned in Consul, and foreign on our node.',
    labels: { state: ['desired', 'owned', 'foreign'] },
  },
  tandem_sync_changes_total: {
    type: 'counter',
    help: 'Changes written to Consul, or refused by it.',
    labels: { action: actions, result: ['applied', 'refused'] },
  },
  tandem_sync_event_to_commit_seconds: {
    type: 'histogram',
    help: 'Time from the event of a change to its commit in Consul.',
    labels: {},
  },
  tandem_sync_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When both sides were last seen to agree, in seconds since the epoch.',
    labels: {},
  },
  tandem_sync_pending_keys: {
    type: 'gauge',
    help: 'Services that an event named and that were not looked at yet.',
    labels: {},
  },
  tandem_sync_problems: {
    type: 'gauge',
    help: 'Problems of Services as they stand; each is an Event too.',
    labels: { reason: Object.keys(problemReasons) },
  },
  tandem_sync_held_removals: {
    type: 'gauge',
    help: 'Removals that wait for a second look, because they are many.',
    labels: {},
  },
  tandem_sync_failures_total: {
    type: 'counter',
    help: 'Passes that failed; each is tried again.',
    labels: { code: failureCodes },
  },
  tandem_consul_requests_total: {
    type: 'counter',
    help: 'Requests to Consul; none: no answer came.',
    labels: { endpoint: consulEndpoints, status: ['2xx', '3xx', '4xx', '5xx', 'none'] },
  },
  tandem_kubernetes_watch_restarts_total: {
    type: 'counter',
    help: 'Lists and watches that ended and were begun again.',
    labels: { kind: watchedKinds, cause: restartCauses },
  },
  tandem_leader: { type: 'gauge', help: '1 while this replica leads, else 0.', labels: {} },
  ...toK8sMetricDefinitions,
} as const satisfies MetricDefinitions;

/** What is asked for when somebody scrapes. */
export type SyncGauges = {
  readonly desired: number;
  readonly owned: number;
  readonly foreign: number;
  readonly pending: number;
  readonly isLeader: boolean;
  readonly problems: ReadonlyMap<string, number>;
};

export type SyncMetrics = {
  readonly change: (action: (typeof actions)[number], result: 'applied' | 'refused') => void;
  readonly eventToCommit: (seconds: number) => void;
  /** @param time milliseconds since the epoch */
  readonly success: (time: number) => void;
  readonly failure: (code: string) => void;
  readonly heldRemovals: (count: number) => void;
  readonly consulRequest: (endpoint: (typeof consulEndpoints)[number], status: number | 'none') => void;
  readonly watchRestart: (kind: (typeof watchedKinds)[number], cause: (typeof restartCauses)[number]) => void;
  readonly toK8s: ToK8sMetrics;
  /** Prometheus text format. */
  readonly text: (gauges: SyncGauges) => Promise<string>;
  readonly contentType: string;
};

export function createSyncMetrics(): SyncMetrics {
  const registry = new Registry();
  const options = metricOptions(syncMetricDefinitions, registry);
  followCount(new Counter(options('tandem_sync_log_lines_dropped_total')), droppedLogLines);
  const instances = new Gauge(options('tandem_sync_instances'));
  const changes = new Counter(options('tandem_sync_changes_total'));
  const commit = new Histogram({
    ...options('tandem_sync_event_to_commit_seconds'),
    buckets: COMMIT_BUCKETS,
  });
  const success = new Gauge(options('tandem_sync_last_success_timestamp_seconds'));
  const pending = new Gauge(options('tandem_sync_pending_keys'));
  const problems = new Gauge(options('tandem_sync_problems'));
  const held = new Gauge(options('tandem_sync_held_removals'));
  const failures = new Counter(options('tandem_sync_failures_total'));
  const requests = new Counter(options('tandem_consul_requests_total'));
  const restarts = new Counter(options('tandem_kubernetes_watch_restarts_total'));
  const leader = new Gauge(options('tandem_leader'));
  return {
    change: (action, result) => changes.inc({ action, result }),
    eventToCommit: (seconds) => commit.observe(seconds),
    success: (time) => success.set(time / 1000),
    failure: (code) => failures.inc({ code: failureCode(code) }),
    heldRemovals: (count) => held.set(count),
    consulRequest: (endpoint, status) => requests.inc({ endpoint, status: statusClass(status) }),
    watchRestart: (kind, cause) => restarts.inc({ kind, cause }),
    toK8s: createToK8sMetrics(registry),
    text: (gauges) => {
      for (const state of ['desired', 'owned', 'foreign'] as const) instances.set({ state }, gauges[state]);
      pending.set(gauges.pending);
      leader.set(gauges.isLeader ? 1 : 0);
      for (const reason of Object.keys(problemReasons))
        problems.set({ reason }, gauges.problems.get(reason) ?? 0);
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

function statusClass(status: number | 'none'): string {
  return status === 'none' ? 'none' : `${Math.trunc(status / 100)}xx`;
}
