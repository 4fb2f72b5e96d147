/** A question to the outside that ends in time, whatever the outside does. */
import type { Probe } from '../check/finding.ts';
import { TandemError } from '../support/errors.ts';

// Longer than Consul holds a call in an election (7 s, performance.rpc_hold_timeout), and nobody waits longer for a line.
const LIMIT_MILLISECONDS = 10_000;

/**
 * @param ask gets a signal that is aborted at the limit, too; errors that are not coded are bugs and are thrown on
 * @param limit milliseconds
 */
export async function probe<T>(
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<T>,
  limit = LIMIT_MILLISECONDS,
): Promise<Probe<T>> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), limit);
  const ended = Promise.withResolvers<Probe<T>>();
  const late = AbortSignal.any([signal, ending.signal]);
  const end = (): void => {
    const reason = signal.aborted ? 'it was stopped' : `no answer within ${limit / 1000} s`;
    ended.resolve({ kind: 'failed', code: 'timeout', reason });
  };
  if (late.aborted) end();
  else late.addEventListener('abort', end);
  try {
    return await Promise.race([seen(ask(late), late), ended.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function seen<T>(answer: Promise<T>, late: AbortSignal): Promise<Probe<T>> {
  try {
    return { kind: 'seen', value: await answer };
  } catch (error) {
    if (error instanceof TandemError) return { kind: 'failed', code: error.code, reason: error.message };
    if (late.aborted) return { kind: 'failed', code: 'timeout', reason: 'it was stopped' };
    throw error;
  }
}
