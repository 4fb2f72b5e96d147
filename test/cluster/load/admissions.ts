/** A load of admissions: pods that ask for the sidecar, each by a dry run through the API server. */
import { setTimeout as delay } from 'node:timers/promises';
import { at } from '../../real/harness/chart.ts';
import type { ApiClient } from '../../real/harness/api-client.ts';
import { sample } from './admission-rate.ts';

export type AdmissionOutcome = {
  readonly admitted: number;
  /** The answer of each that was refused, or came back without a sidecar, and when: seconds since the begin of the load. */
  readonly refused: readonly string[];
  /** Milliseconds. */
  readonly times: readonly number[];
};

// The API server gives the webhook at most 30 s, and asks it again once.
const SILENCE_MILLISECONDS = 65_000;

/**
 * Asks while the action lasts, and waits for the answers that are still out.
 *
 * @param namespace in which pods are injected when they ask
 * @param rate a second
 */
export async function admissionsDuring(
  api: ApiClient,
  namespace: string,
  action: () => Promise<unknown>,
  rate = 5,
): Promise<AdmissionOutcome> {
  const begin = performance.now();
  const times: number[] = [];
  const refused: string[] = [];
  const pending = new Set<Promise<void>>();
  const ask = async (): Promise<void> => {
    const since = performance.now();
    const problem = await admit(api, namespace);
    if (problem === undefined) times.push(performance.now() - since);
    else refused.push(`after ${((since - begin) / 1000).toFixed(1)} s: ${problem}`);
  };
  const timer = setInterval(() => {
    const admission = ask().finally(() => pending.delete(admission));
    pending.add(admission);
  }, 1000 / rate);
  try {
    await action();
  } finally {
    clearInterval(timer);
    await Promise.all(pending);
  }
  return { admitted: times.length, refused, times };
}

/** What is wrong with the answer; undefined when the pod got its sidecar. */
async function admit(api: ApiClient, namespace: string): Promise<string | undefined> {
  try {
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const silence = delay(SILENCE_MILLISECONDS, undefined, { ref: false });
    const answer = await Promise.race([api.request('POST', path, sample(true)), silence]);
    if (answer === undefined) return `no answer in ${SILENCE_MILLISECONDS} ms`;
    if (answer.status !== 201) return `${answer.status} ${JSON.stringify(answer.body)}`;
    const status = at(answer.body, 'metadata', 'labels', 'consul.hashicorp.com/connect-inject-status');
    return status === 'injected' ? undefined : 'admitted without a sidecar';
  } catch (error) {
    return String(error);
  }
}
