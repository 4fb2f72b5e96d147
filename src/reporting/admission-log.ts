/** One line and one count for each admission, never the pod; and for other requests, a line now and then. */
import type { RefusalReason } from '../admission/refusals.ts';
import type { Warning } from '../inject/result.ts';
import type { Log } from '../telemetry/logger.ts';
import type { WebhookMetrics } from '../telemetry/metrics.ts';
import type { AdmissionOutcome } from '../http/answer-admission.ts';
import { boundedLog } from './bounded-log.ts';

type AdmissionLog = {
  readonly admission: (outcome: AdmissionOutcome) => void;
  readonly refusal: (reason: RefusalReason) => void;
};

/** @param now milliseconds */
export function admissionLog(log: Log, metrics: WebhookMetrics, now: () => number): AdmissionLog {
  const bounded = boundedLog(log, now);
  return {
    admission: (outcome) => {
      const {
        result,
        reason,
        seconds,
        uid,
        namespace,
        name,
        detail,
        warnings = [],
        errorId,
        error,
      } = outcome;
      metrics.admission(result, reason, seconds);
      for (const each of new Set(warnings.map((warning) => warning.reason))) metrics.warning(each);
      const fields = {
        uid,
        namespace,
        name,
        result,
        reason,
        durationMs: Math.round(seconds * 1e6) / 1000,
        detail,
        warnings: reasonsAndPlaces(warnings),
        errorId,
      };
      if (result === 'error')
        log('error', 'admission', { ...fields, stack: error instanceof Error ? error.stack : String(error) });
      // Only requests straight to the port get here, and anybody may send those.
      else if (result === 'bad-request') bounded('info', 'admission', reason, fields);
      else log('info', 'admission', fields);
    },
    refusal: (reason) => {
      metrics.refusal(reason);
      bounded('warn', 'refused', reason, { reason });
    },
  };
}

// A stranger decides how many there are, and how long each name is.
const LOGGED = 20;
const PLACE_LENGTH = 100;

/** Without the texts, which quote what the user wrote. */
function reasonsAndPlaces(warnings: readonly Warning[]): string | undefined {
  if (warnings.length === 0) return undefined;
  const told = warnings.slice(0, LOGGED).map(({ reason, at }) => `${reason} ${at.slice(0, PLACE_LENGTH)}`);
  return [...new Set(told)].join('; ');
}
