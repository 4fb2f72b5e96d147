/** Reports what Consul → Kubernetes does. */
import type { ObjectChange } from '../catalog/to-kubernetes/object-changes.ts';
import type { ToK8sPlan } from '../catalog/to-kubernetes/object-plan.ts';
import type { ToK8sProblem } from '../catalog/to-kubernetes/to-k8s-problem.ts';
import type { ToK8sReporter } from '../controllers/to-k8s-ports.ts';
import {
  createControllerReporter,
  type ControllerReporterOptions,
  type ControllerState,
} from './controller-reporter.ts';
import { countReasons } from './count-reasons.ts';

type ToK8sReporterOptions = Omit<ControllerReporterOptions, 'warn'> & {
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
): ToK8sReporter & { readonly state: () => ControllerState } {
  const { log, metrics, warn, isDryRun } = options;
  const { news, toldSources, ...common } = createControllerReporter<ObjectChange>(
    {
      failed: 'a reconcile of Consul to Kubernetes failed and is retried',
      guarded: 'the deletion guard holds back many removals of objects',
      refused: 'the API server refused an object',
      describe: ({ kind, name, action, source }) => ({
        source,
        labels: { kind, action },
        fields: { action, kind, name, service: source },
      }),
    },
    { ...options, warn: () => undefined },
  );
  const tell = ({ conflicts }: ToK8sPlan, problem: ToK8sProblem): void => {
    const { reason, service, message } = problem;
    log('warn', 'problem of a Consul service', { service, reason, problem: message });
    const conflict = conflicts.find((each) => each.problem === problem);
    if (conflict !== undefined)
      warn(conflict.object, 'NameTaken', `for the Consul service ${service}: ${message}`);
  };

  return {
    ...common,
    planned: (plan, now) => {
      const count = (wanted: ObjectChange['action']): number =>
        now.filter(({ action }) => action === wanted).length;
      const counts = { create: count('create'), update: count('update'), delete: count('delete') };
      const isChange = now.length > 0;
      const message = isDryRun ? 'planned for Kubernetes, but not written' : 'planned for Kubernetes';
      log(isChange ? 'info' : 'debug', message, { ...counts, unchanged: plan.unchanged, owned: plan.owned });
      if (isDryRun)
        for (const { action, kind, name, source } of now)
          log('info', 'would write to Kubernetes', { action, kind, name, service: source });
      const states = [...plan.states.values()];
      const present = states.filter(({ object }) => object !== undefined).length;
      metrics?.count('services', { selected: states.length, present });
      metrics?.count('problems', countReasons(plan.problems));
      const problems = Map.groupBy(plan.problems, ({ service }) => service);
      for (const service of [...toldSources(), ...problems.keys()])
        for (const each of news(service, problems.get(service) ?? [], textOf)) tell(plan, each);
    },
  };
}

function textOf({ reason, message }: ToK8sProblem): string {
  return `${reason} ${message}`;
}
