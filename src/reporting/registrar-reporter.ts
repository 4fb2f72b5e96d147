/** Tells what the registrar does: to the log, to metrics, and to Events on the pods. */
import { podReasons, type PodReason } from '../catalog/mesh/decide-pod.ts';
import { isEmptyPlan } from '../catalog/mesh/node-plan.ts';
import type { PodStanding } from '../controllers/pod-standings.ts';
import type { RegistrarReporter } from '../controllers/registrar-ports.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import type { Log } from '../telemetry/logger.ts';
import { createPassOutcome, type PassState } from './pass-outcome.ts';
import { nextRefusal, toldProblems, type Refusal } from './told-problems.ts';

export type RegistrarState = PassState & {
  /** Source of the pod → what Consul said. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** Milliseconds since the epoch from when on the pod of that UID has a problem. */
  readonly problemSince: (uid: string) => number | undefined;
};

export type PodReporter = RegistrarReporter & { readonly state: () => RegistrarState };

export type RegistrarReporterOptions = {
  readonly log: Log;
  readonly metrics: ControllerMetrics;
  readonly now: () => number;
  /** A Warning Event on the pod of this source, when it is still there. */
  readonly warn: (source: string, reason: string, message: string) => void;
  readonly isDryRun: boolean;
  /** The state is another one. */
  readonly changed: () => void;
};

/** Reasons of Events on pods. */
const REFUSED = 'RefusedByConsul';
const WARNED = 'InjectionWarning';
const NOT_REGISTERED: Readonly<Partial<Record<PodReason, string>>> = {
  'not-injected': 'NotInjectedByTandem',
  'invalid-registration': 'InvalidRegistration',
  'other-owner': 'OtherOwner',
  'other-service-account': 'OtherServiceAccount',
  'invalid-address': 'InvalidAddress',
  'id-taken': 'IdTaken',
};

export function createRegistrarReporter(options: RegistrarReporterOptions): PodReporter {
  const { log, metrics, now, warn, isDryRun } = options;
  const passes = createPassOutcome(options, 'a pass of the registrar failed, and is tried again');
  /** By node: UIDs of its pods of which something was told. */
  const toldOf = new Map<string, ReadonlySet<string>>();
  /** By node: UIDs of its pods whose admission had warnings. */
  const warnedOf = new Map<string, ReadonlySet<string>>();
  const told = toldProblems(now);
  const refused = new Map<string, Refusal>();
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
      metrics.change({ action }, 'applied');
      if (seconds !== undefined) metrics.eventToCommit(seconds);
      if (source !== undefined) refused.delete(source);
    },
    refused: ({ action, node, id, source }, reason) => {
      metrics.change({ action }, 'refused');
      log('warn', 'Consul refused a change', { action, node, id, source, reason });
      if (source === undefined) return;
      refused.set(source, nextRefusal(refused.get(source), reason, now()));
      warn(source, REFUSED, `Consul refused to ${action} ${id}: ${reason}`);
    },
    unreadable: ({ name, reason }) =>
      log('warn', 'a node cannot be read in Consul, and is left as it is', { node: name, reason }),
    pods: (node, standings) => {
      const before = warnedOf.get(node);
      const warned = standings.filter(
        ({ uid, warnings }) => warnings.length > 0 || before?.has(uid) === true,
      );
      for (const { source, uid, warnings } of warned)
        if (before?.has(uid) !== true) for (const each of warnings) warn(source, WARNED, each);
      if (warned.length === 0) warnedOf.delete(node);
      else warnedOf.set(node, new Set(warned.map(({ uid }) => uid)));
      const problems = standings.filter(({ problem }) => problem !== undefined);
      const uids = new Set(problems.map(({ uid }) => uid));
      for (const uid of toldOf.get(node) ?? []) if (!uids.has(uid)) told.tell(uid, []);
      toldOf.set(node, uids);
      if (problems.length === 0) toldOf.delete(node);
      for (const each of problems) if (told.tell(each.uid, [each.problem ?? '']).size > 0) tell(each);
    },
    guarded: ({ removals, limit, owned }) => {
      passes.hold(removals);
      log('warn', 'many pods are missing; their removal waits for a second look', { removals, limit, owned });
    },
    released: () => passes.hold(0),
    failed: passes.failed,
    succeeded: passes.succeeded,
    state: () => ({ ...passes.state(), refused, problemSince: told.since }),
  };
}
