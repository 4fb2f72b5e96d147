/** The plain port of `tandem sync`: health, metrics, and the page and `/status` of both directions. */
import type { Sync } from '../controllers/sync-loop.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import { version } from '../version.ts';
import { openStatusPort, type StatusPort } from '../http/status-port.ts';
import type { ClusterSource } from './cluster-source.ts';
import type { ConfigEntriesPart } from './config-entries-part.ts';
import type { RunningRegistrar } from './registrar.ts';
import type { ToConsulReporter } from '../reporting/to-consul-reporter.ts';
import { measureToConsul, toConsulStatus } from '../reporting/to-consul-status.ts';
import type { SyncStage } from './sync-stage.ts';
import type { ToK8sPart } from './to-k8s-part.ts';

/** Each undefined while it is off, but for what is served also then. */
type SyncParts = {
  readonly toConsul: {
    readonly source: ClusterSource | undefined;
    readonly reporter: ToConsulReporter;
    readonly syncMetrics: ControllerMetrics;
    readonly sync: () => Sync | undefined;
  };
  readonly toK8s: ToK8sPart | undefined;
  readonly registrar: RunningRegistrar | undefined;
  readonly configEntries: ConfigEntriesPart | undefined;
};

/**
 * Listens; the answer is where, and how to end it.
 *
 * @param onChange calls the listener after a change of the status, until the function that it gives is called
 */
export function openSyncStatus(
  { values, options, metrics, owner }: SyncStage,
  { toConsul, toK8s, registrar, configEntries }: SyncParts,
  isLeader: () => boolean,
  onChange: (listener: () => void) => () => void,
): Promise<StatusPort> {
  const { source, reporter, syncMetrics, sync } = toConsul;
  const { node, dryRun } = options;
  const isSynced = (): boolean =>
    Object.values(source?.watches() ?? {}).every((watch) => watch.isSynced) &&
    toK8s?.isSynced() !== false &&
    registrar?.isSynced() !== false &&
    configEntries?.isSynced() !== false;
  return openStatusPort(
    {
      title: 'Tandem sync',
      version,
      notReady: () => (isSynced() ? undefined : 'the cluster is not listed yet'),
      metrics: () => {
        metrics.leader(isLeader());
        measureToConsul(sync(), syncMetrics);
        registrar?.measure();
        return metrics.text();
      },
      metricsType: metrics.contentType,
      status: () => ({
        process: { owner, node, leader: isLeader(), dryRun },
        controllers: [
          ...(source === undefined ? [] : [toConsulStatus(sync(), reporter.state(), source.watches())]),
          ...(toK8s === undefined ? [] : [toK8s.status()]),
          ...(registrar?.status() ?? []),
          ...(configEntries === undefined ? [] : [configEntries.status()]),
        ],
        webhook: undefined,
      }),
      onStatusChange: onChange,
    },
    values.statusListen,
  );
}
