/** What the metrics of every loop have in common. */
import { errorTable } from '../support/errors.ts';

// A change is in Consul a quarter of a second after its event, and an outage lasts minutes.
export const COMMIT_BUCKETS = [0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1, 2, 5, 15, 60, 300];

const OTHER = 'other';

/** The closed set of codes of a failed pass. */
export const failureCodes: readonly string[] = [...Object.keys(errorTable), OTHER];

/** The label of a code: what is none of our own errors is `other`. */
export function failureCode(code: string): string {
  return Object.hasOwn(errorTable, code) ? code : OTHER;
}
