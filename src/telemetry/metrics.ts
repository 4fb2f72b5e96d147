/** Metrics of the webhook. */
import { Registry } from 'prom-client';
import { entryAdmissionReasons } from '../admission/entry-admission-reasons.ts';
import { refusalReasons, type RefusalReason } from '../admission/refusals.ts';
import { skipReasons, warningReasons, type WarningReason } from '../inject/result.ts';
import { droppedLogLines } from './logger.ts';
import { followCount, makeMetrics, servedBy, type MetricDefinitions } from './metric-table.ts';

const admissionResults = ['injected', 'allowed', 'denied', 'error', 'bad-request'] as const;
type AdmissionResult = (typeof admissionResults)[number];

/** Reasons beside those of a skip. */
const otherReasons = ['injected', 'invalid', 'internal', 'bad-request'];

export const webhookMetricDefinitions = {
  tandem_admissions_total: {
    type: 'counter',
    help: 'Admission requests answered.',
    labels: {
      result: admissionResults,
      reason: [...Object.keys({ ...skipReasons, ...entryAdmissionReasons }), ...otherReasons],
    },
  },
  tandem_admission_duration_seconds: {
    type: 'histogram',
    help: 'Time from receiving an admission request to its answer.',
    labels: {},
    // An admission takes a quarter of a millisecond; the API server gives up after seconds.
    buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  },
  tandem_admission_warnings_total: {
    type: 'counter',
    help: 'Admissions with a warning, by reason. The log names the pods and config entries.',
    labels: { reason: Object.keys(warningReasons) },
  },
  tandem_refusals_total: {
    type: 'counter',
    help: 'Requests and connections that the TLS port refused.',
    labels: { reason: Object.keys(refusalReasons) },
  },
  tandem_log_lines_dropped_total: {
    type: 'counter',
    help: 'Log lines lost because nobody read standard output.',
    labels: {},
  },
  tandem_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    help: 'Expiry of the served certificate, in seconds since the epoch.',
    labels: {},
  },
  tandem_certificate_reloads_total: {
    type: 'counter',
    help: 'Changes of the served certificate. failed: the new one cannot be used, and the old one stays.',
    labels: { result: ['changed', 'failed'] },
  },
} as const satisfies MetricDefinitions;

export type WebhookMetrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const made = makeMetrics(webhookMetricDefinitions, registry);
  followCount(made.tandem_log_lines_dropped_total, droppedLogLines);
  return {
    admission: (result: AdmissionResult, reason: string, seconds: number): void => {
      made.tandem_admissions_total.inc({ result, reason });
      made.tandem_admission_duration_seconds.observe(seconds);
    },
    warning: (reason: WarningReason): void => made.tandem_admission_warnings_total.inc({ reason }),
    refusal: (reason: RefusalReason): void => made.tandem_refusals_total.inc({ reason }),
    /** @param time milliseconds since the epoch */
    certificateExpiry: (time: number): void =>
      made.tandem_certificate_expiry_timestamp_seconds.set(time / 1000),
    certificateReload: (result: 'changed' | 'failed'): void =>
      made.tandem_certificate_reloads_total.inc({ result }),
    ...servedBy(registry),
  };
}
