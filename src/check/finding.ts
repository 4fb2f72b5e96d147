/** What a check found, and how findings are printed. */
import type { ErrorCode } from '../support/errors.ts';
import { escapeJson, oneLine } from '../support/text.ts';

type CheckName =
  | 'api-server'
  | 'rights'
  | 'webhook'
  | 'webhook-ca'
  | 'webhook-call'
  | 'entry-webhook'
  | 'entry-webhook-ca'
  | 'entry-webhook-call'
  | 'owner'
  | 'names'
  | 'redirectors'
  | 'namespace-labels'
  | 'consul-dns'
  | 'config-entries'
  | 'consul'
  | 'consul-version'
  | 'connect'
  | 'token'
  | 'token-rights'
  | 'sidecar-memory'
  | 'addresses';

export type Finding =
  | { readonly check: CheckName; readonly status: 'ok'; readonly seen: string }
  | {
      readonly check: CheckName;
      readonly status: 'warning' | 'failure';
      readonly seen: string;
      readonly fix: string;
    };

/** The answer to a question to the outside. A question that failed is a fact like any other. */
export type Probe<T> =
  | { readonly kind: 'seen'; readonly value: T }
  | { readonly kind: 'failed'; readonly code: ErrorCode | 'timeout'; readonly reason: string };

export function ok(check: CheckName, seen: string): Finding {
  return { check, status: 'ok', seen };
}

export function warning(check: CheckName, seen: string, fix: string): Finding {
  return { check, status: 'warning', seen, fix };
}

export function failure(check: CheckName, seen: string, fix: string): Finding {
  return { check, status: 'failure', seen, fix };
}

/** A line for each: status, name, what was seen, and the way to fix it. */
export function findingLines(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .map((finding) => {
      const fix = finding.status === 'ok' ? '' : `; to fix it: ${finding.fix}`;
      const line = `${finding.status.padEnd(7)}  ${finding.check.padEnd(width)}  ${finding.seen}${fix}`;
      return `${oneLine(line)}\n`;
    })
    .join('');
}

export function findingsJson(findings: readonly Finding[]): string {
  return `${escapeJson(JSON.stringify({ status: worst(findings), findings }, null, 2))}\n`;
}

export function worst(findings: readonly Finding[]): Finding['status'] {
  const statuses = new Set(findings.map(({ status }) => status));
  return statuses.has('failure') ? 'failure' : statuses.has('warning') ? 'warning' : 'ok';
}
