/** Metrics of `tandem sync`: of the process, and of its controllers. */
import { Registry } from 'prom-client';
import { ENTRY_KINDS } from '../catalog/config-entries/entry-kinds.ts';
import { entryReasons } from '../catalog/config-entries/entry-state.ts';
import { restartCauses, type RestartCause } from '../model/restart-causes.ts';
import { consulRequests, countRequests } from './common-metrics.ts';
import { controllerMetrics, type ControllerMetrics, type MeasuredController } from './controller-metrics.ts';
import { droppedLogLines } from './logger.ts';
import { followCount, makeMetrics, servedBy, type MetricDefinitions } from './metric-table.ts';

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
  tandem_consul_requests_total: consulRequests,
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

export type SyncMetrics = ReturnType<typeof createSyncMetrics>;

export function createSyncMetrics() {
  const registry = new Registry();
  const made = makeMetrics(syncMetricDefinitions, registry);
  followCount(made.tandem_sync_log_lines_dropped_total, droppedLogLines);
  return {
    consulRequest: countRequests(made.tandem_consul_requests_total),
    watchRestart: (kind: (typeof watchedKinds)[number], cause: RestartCause): void =>
      made.tandem_kubernetes_watch_restarts_total.inc({ kind, cause }),
    /** Kind of entry → reason → how many; what has no count is 0. */
    configEntries: (counts: Readonly<Record<string, Readonly<Record<string, number>>>>): void => {
      for (const [kind, states] of Object.entries(counts))
        for (const state of entryStates) made.tandem_config_entries.set({ kind, state }, states[state] ?? 0);
    },
    /** Kind of entry → how many; what has no count is 0. */
    configEntriesKept: (counts: Readonly<Record<string, number>>): void => {
      for (const { entryKind: kind } of ENTRY_KINDS)
        made.tandem_config_entries_kept.set({ kind }, counts[kind] ?? 0);
    },
    leader: (isLeader: boolean): void => made.tandem_leader.set(isLeader ? 1 : 0),
    /** Makes those of a controller; once for each. */
    ofController: (controller: MeasuredController): ControllerMetrics =>
      controllerMetrics(controller, registry),
    ...servedBy(registry),
  };
}
