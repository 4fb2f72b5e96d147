/** The webhook's part of `/status`: its certificate, and the newest admissions. */
import { lifeOf, type KeyPair } from '../certificates/key-pair.ts';
import { toldWarnings } from '../inject/result.ts';
import type { Admission, WebhookStatus } from '../status-page/status.ts';
import type { AdmissionOutcome } from '../http/answer-admission.ts';
import { isoTime } from './controller-status.ts';

type AdmissionRecord = {
  readonly add: (outcome: AdmissionOutcome) => void;
  readonly state: () => WebhookStatus['admissions'];
};

// A screen or two; the log has all of them.
const KEPT = 100;

/** @param now milliseconds since the epoch */
export function admissionRecord(now: () => number): AdmissionRecord {
  const since = isoTime(now());
  const counts = new Map<string, number>();
  const kept: Kept[] = [];
  let number = 0;
  return {
    add: ({ namespace, name, result, reason, detail, warnings = [] }) => {
      counts.set(result, (counts.get(result) ?? 0) + 1);
      const place = number % KEPT;
      number += 1;
      const told = warnings.length === 0 ? NOTHING : JSON.stringify(toldWarnings(warnings));
      kept[place] = { number, at: now(), namespace, name, result, reason, detail, told };
    },
    state: () => ({
      since,
      counts: Object.fromEntries(counts),
      recent: kept
        .toSorted((left, right) => right.number - left.number)
        .map(({ told, ...row }) => ({
          ...row,
          at: isoTime(row.at),
          warnings: JSON.parse(told) as string[],
        })),
    }),
  };
}

const NOTHING = '[]';

/** Most are gone before somebody asks when it was. */
type Kept = Omit<Admission, 'at' | 'warnings'> & {
  readonly at: number;
  /** The warnings as JSON. Rows outlive collections of garbage, and ten warnings as a list cost them 4 us of an admission more. */
  readonly told: string;
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
  const life = pair && lifeOf(pair);
  return {
    certificate: { issued: life && isoTime(life.issued), expires: life && isoTime(life.expires), problem },
    admissions: admissions.state(),
  };
}
