/** Metrics of `tandem sync`: of the process, and of its controllers. */
import { Registry } from 'prom-client';
import { ENTRY_KINDS } from '../catalog/config-entries/entry-kinds.ts';
import { entryReasons } from '../catalog/config-entries/entry-state.ts';
import { consulEndpoints, type RequestEndpoint } from '../model/consul-endpoints.ts';
import { restartCauses, type RestartCause } from '../model/restart-causes.ts';
import { controllerMetrics, type ControllerMetrics, type MeasuredController } from './controller-metrics.ts';
import { followCount } from './follow-count.ts';
import { droppedLogLines } from './logger.ts';
import { makeMetrics, type MetricDefinitions } from './metric-table.ts';

/** Reason of the condition of a custom resource. */
const entryStates = Object.keys(entryReasons);
const watchedKinds = [
  'services',
  'endpointslices',
  'nodes',
  'ingresses',
  'servicecidrs',
  'pods',
  'serviceaccounts',
  'config-entries',
] as const;

export const syncMetricDefinitions = {
  tandem_sync_log_lines_dropped_total: {
    type: 'counter',
    help: 'Log lines lost because nobody read standard output.',
    labels: {},
  },
  tandem_consul_requests_total: {
    type: 'counter',
    help: 'Requests to Consul. none: no answer.',
    labels: { endpoint: consulEndpoints, status: ['2xx', '3xx', '4xx', '5xx', 'none'] },
  },
  tandem_kubernetes_watch_restarts_total: {
    type: 'counter',
    help: 'Lists and watches that ended and were restarted.',
    labels: { kind: watchedKinds, cause: restartCauses },
  },
  tandem_config_entries: {
    type: 'gauge',
    help: 'Custom resources of config entries, by the reason of their condition Synced.',
    labels: { kind: ENTRY_KINDS.map(({ entryKind }) => entryKind), state: entryStates },
  },
  tandem_config_entries_kept: {
    type: 'gauge',
    help: 'Entries in Consul that stay without an object; the log and the status page say why, and how to release them.',
    labels: { kind: ENTRY_KINDS.map(({ entryKind }) => entryKind) },
  },
  tandem_leader: { type: 'gauge', help: '1 while this replica is the leader, else 0.', labels: {} },
} as const satisfies MetricDefinitions;

export type SyncMetrics = {
  readonly consulRequest: (endpoint: RequestEndpoint, status: number | 'none') => void;
  readonly watchRestart: (kind: (typeof watchedKinds)[number], cause: RestartCause) => void;
  /** Kind of entry → reason → how many; what has no count is 0. */
  readonly configEntries: (counts: Readonly<Record<string, Readonly<Record<string, number>>>>) => void;
  /** Kind of entry → how many; what has no count is 0. */
  readonly configEntriesKept: (counts: Readonly<Record<string, number>>) => void;
  readonly leader: (isLeader: boolean) => void;
  /** Makes those of a controller; once for each. */
  readonly ofController: (controller: MeasuredController) => ControllerMetrics;
  /** Prometheus text format. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
};

export function createSyncMetrics(): SyncMetrics {
  const registry = new Registry();
  const made = makeMetrics(syncMetricDefinitions, registry);
  followCount(made.tandem_sync_log_lines_dropped_total, droppedLogLines);
  return {
    consulRequest: (endpoint, status) =>
      made.tandem_consul_requests_total.inc({ endpoint, status: statusClass(status) }),
    watchRestart: (kind, cause) => made.tandem_kubernetes_watch_restarts_total.inc({ kind, cause }),
    configEntries: (counts) => {
      for (const [kind, states] of Object.entries(counts))
        for (const state of entryStates) made.tandem_config_entries.set({ kind, state }, states[state] ?? 0);
    },
    configEntriesKept: (counts) => {
      for (const { entryKind: kind } of ENTRY_KINDS)
        made.tandem_config_entries_kept.set({ kind }, counts[kind] ?? 0);
    },
    leader: (isLeader) => made.tandem_leader.set(isLeader ? 1 : 0),
    ofController: (controller) => controllerMetrics(controller, registry),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

export function statusClass(status: number | 'none'): string {
  return status === 'none' ? 'none' : `${Math.trunc(status / 100)}xx`;
}
