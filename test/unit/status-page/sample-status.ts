/** A status as a test needs it. */
import type {
  Admission,
  ConfigEntryRow,
  ConsulServiceRow,
  ControllerFacts,
  ControllerStatus,
  PodRow,
  ProcessStatus,
  RegistrarStatus,
  ServiceRow,
  Status,
  StatusOf,
  StatusRow,
  ToConsulStatus,
  ToK8sStatus,
  WebhookStatus,
} from '../../../src/status-page/status.ts';
import type { ViewQuery } from '../../../src/status-page/view-query.ts';

export const everything: ViewQuery = { text: '', state: undefined, isAll: false };

export const nothing: Status = { process: undefined, controllers: [], webhook: undefined };

const facts: ControllerFacts = {
  lastSuccess: '2026-01-02T03:04:05.678Z',
  lastFailure: undefined,
  heldRemovals: 0,
  backlog: undefined,
  counts: { desired: 3, owned: 2, foreign: 1, pending: 0 },
  watches: {},
};

const well = { reason: 'default-on', problems: [], refused: undefined, since: undefined };

export function failure(error: string): ControllerFacts['lastFailure'] {
  return { at: '2026-01-02T03:04:06.000Z', since: '2026-01-02T03:04:05.900Z', error };
}

export function service(name: string, overrides: Partial<ServiceRow> = {}): ServiceRow {
  return {
    ...well,
    source: `Service/default/${name}`,
    synced: true,
    instances: 1,
    leftOut: [],
    ...overrides,
  };
}

export function consulService(name: string, overrides: Partial<ConsulServiceRow> = {}): ConsulServiceRow {
  return {
    ...well,
    source: name,
    reason: 'endpoints',
    selected: true,
    object: undefined,
    endpoints: 0,
    ...overrides,
  };
}

export function pod(source: string, overrides: Partial<PodRow> = {}): PodRow {
  return { ...well, source, reason: 'registered', service: undefined, instances: [], ...overrides };
}

export function toConsul(
  rows: readonly ServiceRow[],
  overrides: Partial<ToConsulStatus> = {},
): ToConsulStatus {
  return { ...facts, controller: 'to-consul', watches: { services: { isSynced: true } }, rows, ...overrides };
}

export function toKubernetes(
  rows: readonly ConsulServiceRow[] = [],
  overrides: Partial<ToK8sStatus> = {},
): ToK8sStatus {
  return {
    ...facts,
    controller: 'to-kubernetes',
    namespace: 'made',
    mode: 'endpoints',
    conflicts: [],
    watches: { services: { isSynced: true } },
    rows,
    ...overrides,
  };
}

export function registrar(
  rows: readonly PodRow[],
  overrides: Partial<RegistrarStatus> = {},
): RegistrarStatus {
  return {
    ...facts,
    controller: 'registrar',
    watches: { pods: { isSynced: true }, nodes: { isSynced: true } },
    rows,
    ...overrides,
  };
}

export function agents(overrides: Partial<ControllerFacts> = {}): StatusOf<'agents'> {
  return { ...facts, controller: 'agents', counts: undefined, rows: [], ...overrides };
}

/** @param row of what Consul refused */
export function tokens(
  row?: Partial<StatusRow>,
  overrides: Partial<ControllerFacts> = {},
): StatusOf<'tokens'> {
  const rows = row === undefined ? [] : [{ ...well, source: 'tokens', reason: 'refused', ...row }];
  return { ...facts, controller: 'tokens', counts: undefined, rows, ...overrides };
}

export function secure(rows: readonly StatusRow[] = []): StatusOf<'secure'> {
  return { ...facts, controller: 'secure', counts: undefined, stage: 'require', step: undefined, rows };
}

export function configEntry(object: string, overrides: Partial<ConfigEntryRow> = {}): ConfigEntryRow {
  return {
    ...well,
    source: `ServiceDefaults/${object}`,
    reason: 'Synced',
    kind: 'ServiceDefaults',
    object,
    entry: 'web',
    synced: 'True',
    message: '',
    ...overrides,
  };
}

export function configEntries(
  rows: readonly ConfigEntryRow[],
  overrides: Partial<StatusOf<'config-entries'>> = {},
): StatusOf<'config-entries'> {
  return { ...facts, controller: 'config-entries', missing: [], kept: [], rows, ...overrides };
}

/** Of a replica that leads. */
export function statusOf(
  controllers: readonly ControllerStatus[],
  process: Partial<ProcessStatus> = {},
): Status {
  return {
    ...nothing,
    process: { owner: 'owner', node: 'k8s-sync-owner', leader: true, dryRun: false, ...process },
    controllers,
  };
}

export function admission(number: number, overrides: Partial<Admission> = {}): Admission {
  return {
    number,
    at: '2026-01-02T03:04:05.678Z',
    namespace: 'default',
    name: `pod-${number}`,
    result: 'injected',
    reason: 'injected',
    detail: undefined,
    warnings: [],
    ...overrides,
  };
}

export function webhookStatus(recent: readonly Admission[], problem?: string): WebhookStatus {
  return {
    certificate: { issued: '2026-01-01T00:00:00.000Z', expires: '2026-01-31T00:00:00.000Z', problem },
    admissions: { since: '2026-01-01T00:00:00.000Z', counts: { injected: recent.length }, recent },
  };
}

/** Only Kubernetes → Consul. */
export function synced(rows: readonly ServiceRow[]): Status {
  return statusOf([toConsul(rows)]);
}
