/** One line and one count an admission; never the pod. */
import type { Log } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { AdmissionOutcome } from '../webhook/answer-admission.ts';

export function recordAdmission(outcome: AdmissionOutcome, log: Log, metrics: Metrics): void {
  const { result, reason, seconds, uid, namespace, name, detail, errorId, error } = outcome;
  metrics.admission(result, reason, seconds);
  const fields = {
    uid,
    namespace,
    name,
    result,
    reason,
    durationMs: Math.round(seconds * 1e6) / 1000,
    detail,
    errorId,
  };
  if (result === 'error')
    log('error', 'admission', { ...fields, stack: error instanceof Error ? error.stack : String(error) });
  else log('info', 'admission', fields);
}
