/** Metrics of `tandem secure`. */
import { Registry } from 'prom-client';
import { stepKinds } from '../secure/describe-step.ts';
import { consulRequests, countRequests, errorCode, errorCodes } from './common-metrics.ts';
import { makeMetrics, servedBy, type MetricDefinitions } from './metric-table.ts';

const certificates = ['ca', 'server', 'client'] as const;
const agentStates = ['loaded', 'behind', 'silent'] as const;

export const secureMetricDefinitions = {
  tandem_secure_steps_total: {
    type: 'counter',
    help: 'Writes of tandem secure, by kind, and those that Consul refused.',
    labels: { step: stepKinds, result: ['applied', 'refused'] },
  },
  tandem_secure_failures_total: {
    type: 'counter',
    help: 'Reads and writes that failed. Each is retried.',
    labels: { code: errorCodes },
  },
  tandem_secure_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'Last time that everything could be read, in seconds since the epoch.',
    labels: {},
  },
  tandem_secure_agents: {
    type: 'gauge',
    help: 'Agents, by whether they have loaded their Secret.',
    labels: { state: agentStates },
  },
  tandem_secure_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    help: 'Expiry of the certificates of Consul, in seconds since the epoch.',
    labels: { certificate: certificates },
  },
  tandem_secure_consul_requests_total: consulRequests,
  tandem_secure_leader: { type: 'gauge', help: '1 while this replica is the leader, else 0.', labels: {} },
} as const satisfies MetricDefinitions;

export type SecureMetrics = ReturnType<typeof createSecureMetrics>;

export function createSecureMetrics() {
  const registry = new Registry();
  const made = makeMetrics(secureMetricDefinitions, registry);
  return {
    step: (step: string, result: 'applied' | 'refused'): void =>
      made.tandem_secure_steps_total.inc({ step, result }),
    failure: (code: string): void => made.tandem_secure_failures_total.inc({ code: errorCode(code) }),
    /** @param time milliseconds since the epoch */
    success: (time: number): void => made.tandem_secure_last_success_timestamp_seconds.set(time / 1000),
    agents: (counts: Readonly<Record<(typeof agentStates)[number], number>>): void => {
      for (const state of agentStates) made.tandem_secure_agents.set({ state }, counts[state]);
    },
    /** @param times milliseconds since the epoch */
    expiries: (times: Readonly<Partial<Record<(typeof certificates)[number], number>>>): void => {
      for (const certificate of certificates) {
        const time = times[certificate];
        if (time !== undefined)
          made.tandem_secure_certificate_expiry_timestamp_seconds.set({ certificate }, time / 1000);
      }
    },
    consulRequest: countRequests(made.tandem_secure_consul_requests_total),
    leader: (isLeader: boolean): void => made.tandem_secure_leader.set(isLeader ? 1 : 0),
    ...servedBy(registry),
  };
}
