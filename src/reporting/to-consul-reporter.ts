/** Reports what Kubernetes → Consul does. */
import { sourceOf } from '../model/instance.ts';
import type { Service } from '../model/kubernetes-objects.ts';
import type { ServiceProblem } from '../model/problem.ts';
import type { Change } from '../catalog/to-consul/transactions.ts';
import type { SyncReporter } from '../controllers/sync-ports.ts';
import {
  createControllerReporter,
  type ControllerReporterOptions,
  type ControllerState,
} from './controller-reporter.ts';

export type ToConsulReporter = SyncReporter & { readonly state: () => ControllerState };

type ToConsulReporterOptions = Omit<ControllerReporterOptions, 'warn'> & {
  readonly service: (source: string) => Service | undefined;
  /** A Warning Event on the Service. */
  readonly warn: (service: Service, reason: string, message: string) => void;
  readonly isDryRun: boolean;
};

export function createToConsulReporter(options: ToConsulReporterOptions): ToConsulReporter {
  const { log, service, isDryRun } = options;
  const warn: ControllerReporterOptions['warn'] = (source, reason, message) => {
    const target = service(source);
    if (target !== undefined) options.warn(target, reason, message);
  };
  const { news, ...common } = createControllerReporter<Change>(
    {
      failed: 'a reconcile failed and is retried',
      refused: 'Consul refused a change',
      describe: ({ action, source, instance: { id } }) => ({
        source,
        labels: { action },
        fields: { action, source, id },
        attempt: `${action} ${id}`,
      }),
    },
    { ...options, warn },
  );
  return {
    ...common,
    planned: ({ scope, plan, owned, foreign }) => {
      const { register, update, deregister, unchanged } = plan;
      const counts = { register: register.length, update: update.length, deregister: deregister.length };
      const isChange = register.length + update.length + deregister.length > 0;
      const message = isDryRun ? 'planned, but not written' : 'planned';
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
    problems: (source, problems) => {
      for (const { reason, at, message } of news(source, problems, textOf)) {
        log('warn', 'problem of a Service', { source, reason, at, problem: message });
        warn(source, eventReason(reason), `${at}: ${message}`);
      }
    },
  };
}

function textOf({ reason, at, message }: ServiceProblem): string {
  return `${reason} ${at} ${message}`;
}

/** `port-not-found` as Events are named: `PortNotFound`. */
function eventReason(reason: string): string {
  return reason
    .split('-')
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join('');
}
