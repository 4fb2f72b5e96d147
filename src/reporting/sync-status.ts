/** What `/status` answers: what is synced, what is not and why. */
import { byText } from '../model/instance.ts';
import type { Sync } from '../controllers/sync-loop.ts';
import type { SyncStatus, WatchesStatus } from '../status-page/status.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import { countReasons } from './count-reasons.ts';
import type { ControllerState } from './controller-reporter.ts';
import { passStatus, troubleOf } from './controller-status.ts';

export type SyncStatusParts = {
  readonly owner: string;
  readonly node: string;
  readonly isLeader: boolean;
  /** Undefined on a replica that does not lead. */
  readonly sync: Sync | undefined;
  readonly reporter: ControllerState;
  readonly watches: WatchesStatus;
  /** Kubernetes → Consul is on. */
  readonly toConsul: boolean;
  readonly dryRun: boolean;
};

/** Plain JSON, the sources in the order of their names. */
export function syncStatus(parts: SyncStatusParts): SyncStatus {
  const { owner, node, isLeader, sync, reporter, watches, toConsul, dryRun } = parts;
  const statuses = [...(sync?.statuses() ?? [])].toSorted(([left], [right]) => byText(left, right));
  return {
    owner,
    node,
    leader: isLeader,
    dryRun,
    toConsul,
    ...passStatus(reporter),
    instances: sync?.counts(),
    watches,
    sources: statuses.map(([source, { kind, reason, instances, problems, leftOut }]) => ({
      source,
      synced: kind === 'sync',
      reason,
      instances,
      leftOut,
      problems: problems.map((problem) => `${problem.at}: ${problem.message}`),
      ...troubleOf([reporter], source),
    })),
  };
}

/** What is counted when somebody scrapes. */
export function measureSync(sync: Sync | undefined, metrics: ControllerMetrics): void {
  const { pending, ...instances } = sync?.counts() ?? { pending: 0 };
  metrics.count('instances', instances);
  metrics.pending(pending);
  metrics.count(
    'problems',
    countReasons([...(sync?.statuses().values() ?? [])].flatMap(({ problems }) => problems)),
  );
}
