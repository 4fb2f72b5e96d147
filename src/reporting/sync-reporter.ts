/** Tells what the sync does: to the log, to metrics, to Events on the Services, and to whoever asks for its state. */
import { sourceOf } from '../model/instance.ts';
import type { Service } from '../model/kubernetes-objects.ts';
import type { Problem } from '../model/problem.ts';
import type { SyncReporter } from '../controllers/sync-ports.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import type { Log } from '../telemetry/logger.ts';
import { createPassOutcome, type PassState } from './pass-outcome.ts';
import { nextRefusal, toldProblems, type Refusal } from './told-problems.ts';

/** Reasons of Events beside those of problems. */
const REFUSED = 'RefusedByConsul';

export type ReporterState = PassState & {
  /** Source → what Consul said. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** Milliseconds since the epoch from when on the source has a problem. */
  readonly problemSince: (source: string) => number | undefined;
};

export type Reporter = SyncReporter & { readonly state: () => ReporterState };

export type ReporterOptions = {
  readonly log: Log;
  readonly metrics: ControllerMetrics;
  readonly now: () => number;
  readonly service: (source: string) => Service | undefined;
  /** A Warning Event on the Service. */
  readonly warn: (service: Service, reason: string, message: string) => void;
  readonly isDryRun: boolean;
  /** The state is another one. */
  readonly changed: () => void;
};

export function createReporter(options: ReporterOptions): Reporter {
  const { log, metrics, now, service, warn, isDryRun } = options;
  const passes = createPassOutcome(options, 'a pass failed, and is tried again');
  const told = toldProblems(now);
  const refused = new Map<string, Refusal>();

  const warnOf = (source: string, reason: string, message: string): void => {
    const target = service(source);
    if (target !== undefined) warn(target, reason, message);
  };

  return {
    planned: ({ scope, plan, owned, foreign }) => {
      const { register, update, deregister, unchanged } = plan;
      const counts = { register: register.length, update: update.length, deregister: deregister.length };
      const isChange = register.length + update.length + deregister.length > 0;
      const message = isDryRun ? 'planned, and not written' : 'planned';
      if (isChange || scope === 'all')
        log(isChange ? 'info' : 'debug', message, { scope, ...counts, unchanged, owned, foreign });
      if (!isDryRun) return;
      for (const { name, id, ...instance } of register)
        log('info', 'would register', { source: sourceOf({ name, id, ...instance }), name, id });
      for (const { instance, fields } of update)
        log('info', 'would update', {
          source: sourceOf(instance),
          id: instance.id,
          fields: fields.join(' '),
        });
      for (const instance of deregister)
        log('info', 'would deregister', { source: sourceOf(instance), name: instance.name, id: instance.id });
    },
    applied: ({ action, source }, seconds) => {
      metrics.change({ action }, 'applied');
      if (seconds !== undefined) metrics.eventToCommit(seconds);
      refused.delete(source);
    },
    refused: ({ action, source, instance }, reason) => {
      metrics.change({ action }, 'refused');
      refused.set(source, nextRefusal(refused.get(source), reason, now()));
      log('warn', 'Consul refused a change', { action, source, id: instance.id, reason });
      warnOf(source, REFUSED, `Consul refused to ${action} ${instance.id}: ${reason}`);
    },
    problems: (source, problems) => {
      const news = told.tell(source, problems.map(textOf));
      for (const problem of problems) {
        if (!news.has(textOf(problem))) continue;
        const { reason, at, message } = problem;
        log('warn', 'problem of a Service', { source, reason, at, problem: message });
        warnOf(source, eventReason(reason), `${at}: ${message}`);
      }
    },
    guarded: ({ removals, limit, owned }) => {
      passes.hold(removals);
      log('warn', 'many removals wait for a second look at both sides', { removals, limit, owned });
    },
    failed: passes.failed,
    released: () => passes.hold(0),
    succeeded: passes.succeeded,
    state: () => ({ ...passes.state(), refused, problemSince: told.since }),
  };
}

function textOf({ reason, at, message }: Problem): string {
  return `${reason} ${at} ${message}`;
}

/** `port-not-found` as Events are named: `PortNotFound`. */
function eventReason(reason: string): string {
  return reason
    .split('-')
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join('');
}
