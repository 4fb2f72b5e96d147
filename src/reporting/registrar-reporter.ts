/** Reports what the registrar does: for its catalog, and for the agents. */
import { addressNotices } from '../catalog/mesh/virtual-address.ts';
import { podReasons, type PodReason } from '../catalog/mesh/decide-pod.ts';
import { isEmptyNodePlan } from '../catalog/mesh/node-plan.ts';
import type { PodStatus } from '../controllers/pod-statuses.ts';
import type { RegistrarChange, RegistrarReporter } from '../controllers/registrar-ports.ts';
import {
  createControllerReporter,
  type ControllerReporterOptions,
  type ControllerState,
} from './controller-reporter.ts';

/** Problems are kept by the UID of the pod. */
export type PodReporter = RegistrarReporter & { readonly state: () => ControllerState };

// Some hundred KB.
const REMEMBERED_NOTICES = 1000;

/** Reasons of Events on pods. */
const WARNED = 'InjectionWarning';
const NOT_REGISTERED: Readonly<Partial<Record<PodReason, string>>> = {
  'not-injected': 'NotInjectedByTandem',
  'invalid-registration': 'InvalidRegistration',
  'other-owner': 'OtherOwner',
  'other-service-account': 'OtherServiceAccount',
  'invalid-address': 'InvalidAddress',
  'id-taken': 'IdTaken',
};

export function createRegistrarReporter(
  options: ControllerReporterOptions & { readonly isDryRun: boolean },
): PodReporter {
  const { log, warn, isDryRun } = options;
  const { news, ...common } = createControllerReporter<RegistrarChange>(
    {
      failed: 'a reconcile of the registrar failed and is retried',
      guarded: 'many pods are missing; the deletion guard holds their removal back',
      refused: 'Consul refused a change',
      describe: ({ action, node, id, source }) => ({
        source,
        labels: { action },
        fields: { action, node, id, source },
        attempt: `${action} ${id}`,
      }),
    },
    options,
  );
  /** By node: UIDs of its pods of which something was reported. */
  const toldOf = new Map<string, ReadonlySet<string>>();
  /** By node: UIDs of its pods whose admission had warnings. */
  const warnedOf = new Map<string, ReadonlySet<string>>();
  const tell = ({ source, reason, problem }: PodStatus): void => {
    log('warn', 'a pod is not registered', { source, reason, problem });
    warn(source, NOT_REGISTERED[reason] ?? 'NotRegistered', `${podReasons[reason]}; ${problem}`);
  };

  /** Texts that have had their Event: one pod gets it, not every pod of the Service. */
  const noticed = new Set<string>();
  const notice = ({ source, address }: PodStatus): void => {
    for (const { reason, text } of addressNotices(address)) {
      if (noticed.has(text)) continue;
      noticed.add(text);
      for (const oldest of noticed) if (noticed.size > REMEMBERED_NOTICES) noticed.delete(oldest);
      warn(source, reason, text);
    }
  };

  return {
    ...common,
    planned: (plan) => {
      if (isEmptyNodePlan(plan)) return;
      const { name, register, update, checks, deregister, removeNode, unchanged, foreign } = plan;
      log('info', isDryRun ? 'planned, but not written' : 'planned', {
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
    unreadable: ({ name, reason }) =>
      log('warn', 'a Consul node cannot be read, and is left as it is', { node: name, reason }),
    pods: (node, statuses) => {
      const before = warnedOf.get(node);
      const warned = statuses.filter(({ uid, warnings }) => warnings.length > 0 || before?.has(uid) === true);
      for (const { source, uid, warnings } of warned)
        if (before?.has(uid) !== true) for (const each of warnings) warn(source, WARNED, each);
      if (warned.length === 0) warnedOf.delete(node);
      else warnedOf.set(node, new Set(warned.map(({ uid }) => uid)));
      statuses.forEach(notice);
      const problems = statuses.filter(({ problem }) => problem !== undefined);
      const uids = new Set(problems.map(({ uid }) => uid));
      for (const uid of toldOf.get(node) ?? []) if (!uids.has(uid)) news(uid, [], textOf);
      toldOf.set(node, uids);
      if (problems.length === 0) toldOf.delete(node);
      for (const each of problems) news(each.uid, [each], textOf).forEach(tell);
    },
  };
}

function textOf({ problem = '' }: PodStatus): string {
  return problem;
}
