/** Kubernetes → Consul in `/status` and metrics: what is synced, what is not and why. */
import { byText } from '../model/instance.ts';
import type { Sync } from '../controllers/sync-loop.ts';
import type { ToConsulStatus, WatchesStatus } from '../status-page/status.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import { countReasons } from './count-reasons.ts';
import type { ControllerState } from './controller-reporter.ts';
import { controllerFacts, troubleOf } from './controller-status.ts';

/** @param sync undefined on a replica that does not lead */
export function toConsulStatus(
  sync: Sync | undefined,
  reporter: ControllerState,
  watches: WatchesStatus,
): ToConsulStatus {
  const statuses = [...(sync?.statuses() ?? [])].toSorted(([left], [right]) => byText(left, right));
  return {
    controller: 'to-consul',
    ...controllerFacts(reporter, { counts: sync?.counts(), backlog: sync?.backlog(), watches }),
    rows: statuses.map(([source, { kind, reason, instances, problems, leftOut }]) => ({
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

/** Figures that are counted at a scrape. */
export function measureToConsul(sync: Sync | undefined, metrics: ControllerMetrics): void {
  const { pending: _, ...instances } = sync?.counts() ?? { pending: 0 };
  metrics.count('instances', instances);
  metrics.backlog(sync?.backlog());
  metrics.count(
    'problems',
    countReasons([...(sync?.statuses().values() ?? [])].flatMap(({ problems }) => problems)),
  );
}
