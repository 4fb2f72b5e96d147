/** Tells what the direction to Kubernetes does: to the log, to metrics, to Events on objects in the way, and for `/status`. */
import type { ToK8sProblem } from '../catalog/to-k8s/problem.ts';
import type { ToK8sReporter } from '../controller/to-k8s-ports.ts';
import { TandemError } from '../support/errors.ts';
import type { Log } from '../telemetry/logger.ts';
import type { ToK8sMetrics } from '../telemetry/to-k8s-metrics.ts';

export type ToK8sReporterState = {
  /** Milliseconds since the epoch. */
  readonly lastSuccess: number | undefined;
  readonly lastFailure: { readonly at: number; readonly error: string } | undefined;
  readonly heldRemovals: number;
  /** Name in Consul → what the API server said. */
  readonly refused: ReadonlyMap<string, string>;
};

export type ToK8sReporterOptions = {
  readonly log: Log;
  readonly metrics: ToK8sMetrics;
  readonly now: () => number;
  /** A Warning Event on a Service in the write namespace. */
  readonly warn: (
    object: { readonly name: string; readonly uid: string },
    reason: string,
    message: string,
  ) => void;
  readonly isDryRun: boolean;
};

export function createToK8sReporter(
  options: ToK8sReporterOptions,
): ToK8sReporter & { readonly state: () => ToK8sReporterState } {
  const { log, metrics, now, warn, isDryRun } = options;
  const refused = new Map<string, string>();
  let told: ReadonlySet<string> = new Set();
  let lastSuccess: number | undefined;
  let lastFailure: ToK8sReporterState['lastFailure'];
  let heldRemovals = 0;

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
      metrics.services(standings.length, standings.filter(({ object }) => object !== undefined).length);
      metrics.problems(countReasons(plan.problems));
      for (const problem of plan.problems) {
        if (told.has(textOf(problem))) continue;
        const { reason, service, message: text } = problem;
        log('warn', 'problem of a service of Consul', { service, reason, problem: text });
        const conflict = plan.conflicts.find((each) => each.problem === problem);
        if (conflict !== undefined)
          warn(conflict.object, 'NameTaken', `for the service ${service} of Consul: ${text}`);
      }
      told = new Set(plan.problems.map(textOf));
    },
    applied: ({ kind, action, source }) => {
      metrics.change(kind, action, 'applied');
      refused.delete(source);
    },
    refused: ({ kind, name, action, source }, reason) => {
      metrics.change(kind, action, 'refused');
      refused.set(source, reason);
      log('warn', 'the API server refused an object', { action, kind, name, service: source, reason });
    },
    guarded: ({ removals, limit, owned }) => {
      heldRemovals = removals;
      metrics.heldRemovals(removals);
      log('warn', 'many removals of objects wait for a second look at both sides', {
        removals,
        limit,
        owned,
      });
    },
    released: () => {
      heldRemovals = 0;
      metrics.heldRemovals(0);
    },
    failed: (error, retryMilliseconds) => {
      const text = error instanceof Error ? error.message : String(error);
      const code = error instanceof TandemError ? error.code : 'other';
      lastFailure = { at: now(), error: text };
      metrics.failure(code);
      // What is none of our own errors is a bug, and its stack is what a report needs.
      const stack = error instanceof Error && !(error instanceof TandemError) ? error.stack : undefined;
      log('error', 'Consul to Kubernetes failed, and is tried again', {
        code,
        error: text,
        retryMilliseconds: Math.round(retryMilliseconds),
        stack,
      });
    },
    succeeded: () => {
      lastSuccess = now();
      metrics.success(lastSuccess);
    },
    state: () => ({ lastSuccess, lastFailure, heldRemovals, refused }),
  };
}

function countReasons(problems: readonly ToK8sProblem[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of problems) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

function textOf({ reason, service, message }: ToK8sProblem): string {
  return `${reason} ${service} ${message}`;
}
