/** A status as a test needs it. */
import type {
  Admission,
  SourceState,
  Status,
  SyncStatus,
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

export function source(name: string, overrides: Partial<SourceState> = {}): SourceState {
  return {
    source: `Service/default/${name}`,
    synced: true,
    reason: 'default-on',
    instances: 1,
    problems: [],
    refused: undefined,
    ...overrides,
  };
}

export function syncStatus(sources: readonly SourceState[], overrides: Partial<SyncStatus> = {}): SyncStatus {
  return {
    owner: 'owner',
    node: 'k8s-sync-owner',
    leader: true,
    lastSuccess: '2026-01-02T03:04:05.678Z',
    lastFailure: undefined,
    heldRemovals: 0,
    instances: { desired: 3, owned: 2, foreign: 1, pending: 0 },
    watches: { services: { isSynced: true } },
    sources,
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
    ...overrides,
  };
}

export function webhookStatus(recent: readonly Admission[]): WebhookStatus {
  return {
    certificate: {
      issued: '2026-01-01T00:00:00.000Z',
      expires: '2026-01-31T00:00:00.000Z',
      problem: undefined,
    },
    admissions: { since: '2026-01-01T00:00:00.000Z', counts: { injected: recent.length }, recent },
  };
}

export function synced(sources: readonly SourceState[]): Status {
  return { ...nothing, sync: syncStatus(sources) };
}
