/** A status as a test needs it. */
import type {
  Admission,
  PassStatus,
  PodState,
  RegistrarStatus,
  SourceState,
  Status,
  SyncStatus,
  ToK8sStatus,
  WebhookStatus,
} from '../../../src/status-page/status.ts';
import type { ViewQuery } from '../../../src/status-page/view-query.ts';

export const everything: ViewQuery = { text: '', state: undefined, isAll: false };

export const nothing: Status = {
  sync: undefined,
  toKubernetes: undefined,
  registrar: undefined,
  webhook: undefined,
};

const passes: PassStatus = {
  lastSuccess: '2026-01-02T03:04:05.678Z',
  lastFailure: undefined,
  heldRemovals: 0,
};

export function failure(error: string): PassStatus['lastFailure'] {
  return { at: '2026-01-02T03:04:06.000Z', since: '2026-01-02T03:04:05.900Z', error };
}

export function source(name: string, overrides: Partial<SourceState> = {}): SourceState {
  return {
    source: `Service/default/${name}`,
    synced: true,
    reason: 'default-on',
    instances: 1,
    leftOut: [],
    problems: [],
    refused: undefined,
    since: undefined,
    ...overrides,
  };
}

export function syncStatus(sources: readonly SourceState[], overrides: Partial<SyncStatus> = {}): SyncStatus {
  return {
    ...passes,
    owner: 'owner',
    node: 'k8s-sync-owner',
    leader: true,
    dryRun: false,
    toConsul: true,
    instances: { desired: 3, owned: 2, foreign: 1, pending: 0 },
    watches: { services: { isSynced: true } },
    sources,
    ...overrides,
  };
}

export function toKubernetes(overrides: Partial<ToK8sStatus> = {}): ToK8sStatus {
  return {
    ...passes,
    namespace: 'made',
    mode: 'endpoints',
    owned: 2,
    conflicts: [],
    watches: { services: { isSynced: true } },
    services: [],
    leftOut: [],
    ...overrides,
  };
}

export function registrar(
  pods: readonly PodState[],
  overrides: Partial<RegistrarStatus> = {},
): RegistrarStatus {
  return {
    ...passes,
    instances: { owned: 2, foreign: 0, pending: 0 },
    agents: passes,
    tokens: undefined,
    watches: { pods: { isSynced: true }, nodes: { isSynced: true } },
    pods,
    ...overrides,
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

export function synced(sources: readonly SourceState[]): Status {
  return { ...nothing, sync: syncStatus(sources) };
}
