/** What several processes measure in the same way. */
import type { Counter } from 'prom-client';
import { consulEndpoints, type RequestEndpoint } from '../model/consul-endpoints.ts';
import { errorTable } from '../support/errors.ts';
import type { MetricDefinitions } from './metric-table.ts';

const OTHER = 'other';

export const errorCodes = [...Object.keys(errorTable), OTHER];

/** The label of a code: one that is not in the table could be any text. */
export function errorCode(code: string): string {
  return Object.hasOwn(errorTable, code) ? code : OTHER;
}

export const consulRequests = {
  type: 'counter',
  help: 'Requests to Consul. none: no answer.',
  labels: { endpoint: consulEndpoints, status: ['2xx', '3xx', '4xx', '5xx', 'none'] },
} as const satisfies MetricDefinitions[string];

export function countRequests(counter: Counter) {
  return (endpoint: RequestEndpoint, status: number | 'none'): void =>
    counter.inc({ endpoint, status: status === 'none' ? status : `${Math.trunc(status / 100)}xx` });
}
