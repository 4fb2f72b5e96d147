/** Metrics of `tandem redirector`. */
import { Registry } from 'prom-client';
import { makeMetrics, servedBy, type MetricDefinitions } from './metric-table.ts';

export const redirectorMetricDefinitions = {
  tandem_redirections_total: {
    type: 'counter',
    help: 'Pods whose traffic was redirected, and attempts that failed. Each is retried.',
    labels: { result: ['applied', 'failed'] },
  },
  tandem_redirection_duration_seconds: {
    type: 'histogram',
    help: 'Time from the start of the process that waits in a pod to the rules of the pod.',
    labels: {},
    // A scan every 50 ms, and a few ms of nft; a redirector that starts late takes seconds.
    buckets: [0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300],
  },
  tandem_redirector_pending_pods: {
    type: 'gauge',
    help: 'Pods of the node whose traffic is not redirected yet.',
    labels: {},
  },
  tandem_redirector_oldest_pending_seconds: {
    type: 'gauge',
    help: 'For how many seconds the first of them has run its container consul-connect-redirect.',
    labels: {},
  },
} as const satisfies MetricDefinitions;

export function createRedirectorMetrics() {
  const registry = new Registry();
  const made = makeMetrics(redirectorMetricDefinitions, registry);
  return {
    /** @param seconds from the start of the process that waits */
    applied: (seconds: number): void => {
      made.tandem_redirections_total.inc({ result: 'applied' });
      made.tandem_redirection_duration_seconds.observe(seconds);
    },
    failed: (): void => made.tandem_redirections_total.inc({ result: 'failed' }),
    pending: (pods: number, oldestSeconds: number): void => {
      made.tandem_redirector_pending_pods.set(pods);
      made.tandem_redirector_oldest_pending_seconds.set(oldestSeconds);
    },
    ...servedBy(registry),
  };
}
