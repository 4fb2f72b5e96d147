/** The plain port of `tandem sync`: health, metrics, and the page and `/status` of both directions. */
import type { ListenAddress } from '../config/listen-address.ts';
import type { Sync } from '../controllers/sync-loop.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import type { SyncMetrics } from '../telemetry/sync-metrics.ts';
import { version } from '../version.ts';
import { openStatusPort, type StatusPort } from '../http/status-port.ts';
import type { ClusterSource } from './cluster-source.ts';
import type { ConfigEntriesPart } from './config-entries-part.ts';
import type { RunningRegistrar } from './registrar.ts';
import type { ToConsulReporter } from '../reporting/to-consul-reporter.ts';
import { measureToConsul, toConsulStatus } from '../reporting/to-consul-status.ts';
import type { ToK8sPart } from './to-k8s-part.ts';

type SyncStatusPort = {
  readonly address: ListenAddress;
  readonly metrics: SyncMetrics;
  /** Of Kubernetes → Consul. */
  readonly syncMetrics: ControllerMetrics;
  readonly owner: string;
  readonly node: string;
  readonly dryRun: boolean;
  /** Undefined while this direction is off. */
  readonly source: ClusterSource | undefined;
  readonly reporter: ToConsulReporter;
  /** Undefined while this direction is off. */
  readonly toK8s: ToK8sPart | undefined;
  /** Undefined while it is off. */
  readonly registrar: RunningRegistrar | undefined;
  /** Undefined while they are off. */
  readonly configEntries: ConfigEntriesPart | undefined;
  readonly sync: () => Sync | undefined;
  readonly isLeader: () => boolean;
  /** Calls the listener after a change of the status, until the function that it gives is called. */
  readonly onChange: (listener: () => void) => () => void;
};

/** Listens; the answer is where, and how to end it. */
export function openSyncStatus(port: SyncStatusPort): Promise<StatusPort> {
  const { metrics, owner, node, source, reporter, toK8s, registrar, configEntries, sync, isLeader } = port;
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
        measureToConsul(sync(), port.syncMetrics);
        registrar?.measure();
        return metrics.text();
      },
      metricsType: metrics.contentType,
      status: () => ({
        process: { owner, node, leader: isLeader(), dryRun: port.dryRun },
        controllers: [
          ...(source === undefined ? [] : [toConsulStatus(sync(), reporter.state(), source.watches())]),
          ...(toK8s === undefined ? [] : [toK8s.status()]),
          ...(registrar?.status() ?? []),
          ...(configEntries === undefined ? [] : [configEntries.status()]),
        ],
        webhook: undefined,
      }),
      onStatusChange: port.onChange,
    },
    port.address,
  );
}
