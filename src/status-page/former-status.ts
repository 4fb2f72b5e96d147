/** The keys of `/status` before it had one shape, for their readers; the next minor version removes them. */
import { tokensTrouble } from './troubles.ts';
import { controllerOf, type ControllerStatus, type Status, type StatusOf } from './status.ts';

export function formerStatus(status: Status): Readonly<Record<string, unknown>> {
  const toConsul = controllerOf(status, 'to-consul');
  const toKubernetes = controllerOf(status, 'to-kubernetes');
  const registrar = controllerOf(status, 'registrar');
  return {
    ...status.process,
    ...(status.process && { toConsul: toConsul !== undefined, sources: [] }),
    ...(toConsul && common(toConsul, { instances: toConsul.counts, sources: toConsul.rows })),
    ...(toKubernetes && { toKubernetes: formerToKubernetes(toKubernetes) }),
    ...(registrar && { registrar: formerRegistrar(status, registrar) }),
    ...status.webhook,
  };
}

function common({ lastSuccess, lastFailure, heldRemovals, watches }: ControllerStatus, more: object): object {
  return { lastSuccess, lastFailure, heldRemovals, watches, ...more };
}

function formerToKubernetes(status: StatusOf<'to-kubernetes'>): object {
  const { rows, counts, namespace, mode, conflicts } = status;
  return common(status, {
    namespace,
    mode,
    conflicts,
    owned: counts?.['owned'],
    services: rows
      .filter(({ selected }) => selected)
      .map(({ source: service, reason: kind, ...row }) => ({ service, kind, ...row })),
    leftOut: rows
      .filter(({ selected }) => !selected)
      .map(({ source: service, reason }) => ({ service, reason })),
  });
}

function formerRegistrar(status: Status, registrar: StatusOf<'registrar'>): object {
  const agents = controllerOf(status, 'agents');
  const tokens = controllerOf(status, 'tokens');
  return common(registrar, {
    instances: registrar.counts,
    agents: agents && common(agents, {}),
    tokens: tokens && { trouble: tokensTrouble(tokens) },
    pods: registrar.rows.map(({ problems: [problem], ...row }) => ({ ...row, problem })),
  });
}
