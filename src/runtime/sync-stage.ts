/** What every direction of `tandem sync` gets, and what it offers to the process. */
import type { SyncValues } from '../config/sync-flags.ts';
import type { OpenConsul } from '../consul/client.ts';
import type { SyncOptions } from '../controllers/sync-loop.ts';
import type { ApiClient, ClusterAccess } from '../kubernetes/api-client.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import type { ControllerStatus } from '../status-page/status.ts';
import type { Log } from '../telemetry/logger.ts';
import type { SyncMetrics } from '../telemetry/sync-metrics.ts';
import type { WatchedKind } from './cluster-source.ts';
import type { PodKind } from './pod-source.ts';

export type SyncStage = {
  readonly values: SyncValues;
  readonly owner: string;
  readonly access: ClusterAccess;
  /** Writes as long as this replica leads. */
  readonly client: ApiClient;
  readonly consul: OpenConsul;
  readonly log: Log;
  readonly metrics: SyncMetrics;
  readonly options: SyncOptions;
  readonly events: EventRecorder<string>;
  readonly onRestart: (kind: WatchedKind | PodKind | 'config-entries', failure: WatchFailure) => void;
  /** The status has changed. */
  readonly changed: () => void;
};

/** One direction: it watches the cluster at once, and reads Consul and writes only while this replica leads. */
export type SyncPart = {
  /** Runs until the signal, while this replica leads. */
  readonly lead: (term: AbortSignal) => Promise<void>;
  /** What it needs of the cluster is listed. */
  readonly isSynced: () => boolean;
  /** Counts the present objects, for a scrape. */
  readonly measure?: () => void;
  readonly status: () => readonly ControllerStatus[];
  readonly stop: () => Promise<void>;
};
