/** What `/status` answers: what is synced, what is not and why. */
import { byText } from '../catalog/instance.ts';
import type { Sync } from '../controller/sync-loop.ts';
import type { SyncStatus, WatchesStatus } from '../status-page/status.ts';
import { passStatus } from './pass-outcome.ts';
import type { ReporterState } from './sync-reporter.ts';

export type SyncStatusParts = {
  readonly owner: string;
  readonly node: string;
  readonly isLeader: boolean;
  /** Undefined on a replica that does not lead. */
  readonly sync: Sync | undefined;
  readonly reporter: ReporterState;
  readonly watches: WatchesStatus;
};

/** Plain JSON, the sources in the order of their names. */
export function syncStatus({ owner, node, isLeader, sync, reporter, watches }: SyncStatusParts): SyncStatus {
  const statuses = [...(sync?.statuses() ?? [])].toSorted(([left], [right]) => byText(left, right));
  return {
    owner,
    node,
    leader: isLeader,
    ...passStatus(reporter),
    instances: sync?.counts(),
    watches,
    sources: statuses.map(([source, { kind, reason, instances, problems }]) => ({
      source,
      synced: kind === 'sync',
      reason,
      instances,
      problems: problems.map((problem) => `${problem.at}: ${problem.message}`),
      refused: reporter.refused.get(source),
    })),
  };
}

/** How many problems there are of each reason now. */
export function problemCounts(sync: Sync | undefined): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { problems } of sync?.statuses().values() ?? [])
    for (const { reason } of problems) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}
