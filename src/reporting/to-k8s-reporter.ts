/** Tells what the direction to Kubernetes does: to the log, to metrics, to Events on objects in the way, and for `/status`. */
import type { ToK8sPlan } from '../catalog/to-kubernetes/object-plan.ts';
import type { ToK8sProblem } from '../catalog/to-kubernetes/to-k8s-problem.ts';
import type { ToK8sReporter } from '../controllers/to-k8s-ports.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import type { Log } from '../telemetry/logger.ts';
import { createPassOutcome, type PassState } from './pass-outcome.ts';
import { countReasons } from './count-reasons.ts';
import { nextRefusal, toldProblems, type Refusal } from './told-problems.ts';

export type ToK8sReporterState = PassState & {
  /** Name in Consul → what the API server said. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** Milliseconds since the epoch from when on that service has a problem. */
  readonly problemSince: (service: string) => number | undefined;
};

export type ToK8sReporterOptions = {
  readonly log: Log;
  readonly metrics: ControllerMetrics;
  readonly now: () => number;
  /** A Warning Event on a Service in the write namespace. */
  readonly warn: (
    object: { readonly name: string; readonly uid: string },
    reason: string,
    message: string,
  ) => void;
  readonly isDryRun: boolean;
  /** The state is another one. */
  readonly changed: () => void;
};

export function createToK8sReporter(
  options: ToK8sReporterOptions,
): ToK8sReporter & { readonly state: () => ToK8sReporterState } {
  const { log, metrics, now, warn, isDryRun } = options;
  const passes = createPassOutcome(options, 'Consul to Kubernetes failed, and is tried again');
  const refused = new Map<string, Refusal>();
  const told = toldProblems(now);
  const tell = ({ conflicts }: ToK8sPlan, problem: ToK8sProblem): void => {
    const { reason, service, message } = problem;
    log('warn', 'problem of a service of Consul', { service, reason, problem: message });
    const conflict = conflicts.find((each) => each.problem === problem);
    if (conflict !== undefined)
      warn(conflict.object, 'NameTaken', `for the service ${service} of Consul: ${message}`);
  };

  return {
    planned: (plan, { create, update, delete: removed }) => {
      const counts = { create: create.length, update: update.length, delete: removed.length };
      const isChange = create.length + update.length + removed.length > 0;
      const message = isDryRun ? 'planned for Kubernetes, and not written' : 'planned for Kubernetes';
      log(isChange ? 'info' : 'debug', message, { ...counts, unchanged: plan.unchanged, owned: plan.owned });
      if (isDryRun)
        for (const { action, kind, name, source } of [...create, ...update, ...removed])
          log('info', 'would write to Kubernetes', { action, kind, name, service: source });
      const standings = [...plan.standings.values()];
      const present = standings.filter(({ object }) => object !== undefined).length;
      metrics.count('services', { selected: standings.length, present });
      metrics.count('problems', countReasons(plan.problems));
      const problems = Map.groupBy(plan.problems, ({ service }) => service);
      for (const service of told.sources()) if (!problems.has(service)) told.tell(service, []);
      for (const [service, ofService] of problems) {
        const news = told.tell(service, ofService.map(textOf));
        for (const problem of ofService) if (news.has(textOf(problem))) tell(plan, problem);
      }
    },
    applied: ({ kind, action, source }) => {
      metrics.change({ kind, action }, 'applied');
      refused.delete(source);
    },
    refused: ({ kind, name, action, source }, reason) => {
      metrics.change({ kind, action }, 'refused');
      refused.set(source, nextRefusal(refused.get(source), reason, now()));
      log('warn', 'the API server refused an object', { action, kind, name, service: source, reason });
    },
    guarded: ({ removals, limit, owned }) => {
      passes.hold(removals);
      log('warn', 'many removals of objects wait for a second look at both sides', {
        removals,
        limit,
        owned,
      });
    },
    released: () => passes.hold(0),
    failed: passes.failed,
    succeeded: passes.succeeded,
    state: () => ({ ...passes.state(), refused, problemSince: told.since }),
  };
}

function textOf({ reason, message }: ToK8sProblem): string {
  return `${reason} ${message}`;
}
