/** What `/status` tells of a webhook: its certificate, and the newest admissions. */
import { expiryOf, issueOf, type KeyPair } from '../certificates/key-pair.ts';
import { firstWarnings, toldWarnings, type Warning } from '../inject/result.ts';
import type { Admission, WebhookStatus } from '../status-page/status.ts';
import type { AdmissionOutcome } from '../http/answer-admission.ts';

type AdmissionRecord = {
  readonly add: (outcome: AdmissionOutcome) => void;
  readonly state: () => WebhookStatus['admissions'];
};

// A screen or two; the log has all of them.
const KEPT = 100;

/** @param now milliseconds since the epoch */
export function admissionRecord(now: () => number): AdmissionRecord {
  const since = timeOf(now());
  const counts = new Map<string, number>();
  const kept: Kept[] = [];
  let number = 0;
  return {
    add: ({ namespace, name, result, reason, detail, warnings = [] }) => {
      counts.set(result, (counts.get(result) ?? 0) + 1);
      const place = number % KEPT;
      number += 1;
      const first = firstWarnings(warnings);
      kept[place] = { number, at: now(), namespace, name, result, reason, detail, warnings: first };
    },
    state: () => ({
      since,
      counts: Object.fromEntries(counts),
      recent: kept
        .toSorted((left, right) => right.number - left.number)
        .map((row) => ({ ...row, at: timeOf(row.at), warnings: toldWarnings(row.warnings) })),
    }),
  };
}

/** Most are gone before somebody asks when it was, and of what there was a warning. */
type Kept = Omit<Admission, 'at' | 'warnings'> & {
  readonly at: number;
  readonly warnings: readonly Warning[];
};

/**
 * @param pair undefined while there is none
 * @param problem why it cannot be served now
 */
export function webhookStatus(
  pair: KeyPair | undefined,
  problem: string | undefined,
  admissions: AdmissionRecord,
): WebhookStatus {
  return {
    certificate: {
      issued: pair && timeOf(issueOf(pair)),
      expires: pair && timeOf(expiryOf(pair)),
      problem,
    },
    admissions: admissions.state(),
  };
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
