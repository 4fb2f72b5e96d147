/** Tells what the registrar does: to the log, to metrics, and to Events on the pods. */
import { podReasons, type PodReason } from '../catalog/connect/decide.ts';
import { isEmptyPlan } from '../catalog/connect/plan.ts';
import type { PodStanding, RegistrarReporter } from '../controller/registrar-ports.ts';
import type { Log } from '../telemetry/logger.ts';
import type { RegistrarMetrics } from '../telemetry/registrar-metrics.ts';
import { createPassOutcome, type PassState } from './pass-outcome.ts';

export type RegistrarState = PassState & {
  /** Source of the pod → what Consul said. */
  readonly refused: ReadonlyMap<string, string>;
};

export type PodReporter = RegistrarReporter & { readonly state: () => RegistrarState };

export type RegistrarReporterOptions = {
  readonly log: Log;
  readonly metrics: RegistrarMetrics;
  readonly now: () => number;
  /** A Warning Event on the pod of this source, when it is still there. */
  readonly warn: (source: string, reason: string, message: string) => void;
  readonly isDryRun: boolean;
  /** The state is another one. */
  readonly changed: () => void;
};

/** Reasons of Events on pods. */
const REFUSED = 'RefusedByConsul';
const NOT_REGISTERED: Readonly<Partial<Record<PodReason, string>>> = {
  'no-record': 'NotInjectedByTandem',
  'invalid-annotations': 'InvalidAnnotations',
  'id-taken': 'IdTaken',
};

export function createRegistrarReporter(options: RegistrarReporterOptions): PodReporter {
  const { log, metrics, warn, isDryRun } = options;
  const passes = createPassOutcome(options, 'a pass of the registrar failed, and is tried again');
  /** By node: what was told of its pods, by their UID. */
  const told = new Map<string, ReadonlyMap<string, string>>();
  const refused = new Map<string, string>();
  const tell = ({ source, reason, problem }: PodStanding): void => {
    log('warn', 'a pod is not registered', { source, reason, problem });
    warn(source, NOT_REGISTERED[reason] ?? 'NotRegistered', `${podReasons[reason]}; ${problem}`);
  };

  return {
    planned: (plan) => {
      if (isEmptyPlan(plan)) return;
      const { name, register, update, checks, deregister, removeNode, unchanged, foreign } = plan;
      log('info', isDryRun ? 'planned, and not written' : 'planned', {
        node: name,
        register: register.map(({ id }) => id).join(' '),
        update: update.map(({ registration, fields }) => `${registration.id}:${fields.join('+')}`).join(' '),
        checks: checks.map(({ registration }) => registration.id).join(' '),
        deregister: deregister.map(({ id }) => id).join(' '),
        removeNode,
        unchanged,
        foreign,
      });
    },
    applied: ({ action, source }, seconds) => {
      metrics.change(action, 'applied');
      if (seconds !== undefined) metrics.eventToCommit(seconds);
      if (source !== undefined) refused.delete(source);
    },
    refused: ({ action, node, id, source }, reason) => {
      metrics.change(action, 'refused');
      log('warn', 'Consul refused a change', { action, node, id, source, reason });
      if (source === undefined) return;
      refused.set(source, reason);
      warn(source, REFUSED, `Consul refused to ${action} ${id}: ${reason}`);
    },
    pods: (node, standings) => {
      const before = told.get(node);
      const problems = standings.filter(({ problem }) => problem !== undefined);
      told.set(node, new Map(problems.map(({ uid, problem = '' }) => [uid, problem])));
      if (problems.length === 0) told.delete(node);
      for (const each of problems) if (before?.get(each.uid) !== each.problem) tell(each);
    },
    guarded: ({ removals, limit, owned }) => {
      passes.hold(removals);
      log('warn', 'many pods are missing; their removal waits for a second look', { removals, limit, owned });
    },
    released: () => passes.hold(0),
    failed: passes.failed,
    succeeded: passes.succeeded,
    state: () => ({ ...passes.state(), refused }),
  };
}
