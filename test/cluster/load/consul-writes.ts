/** Writes to Consul by somebody who has a token, while something happens to its servers. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../../real/harness/api-client.ts';
import { meanwhile } from './meanwhile.ts';

export type WriteOutcome = {
  readonly written: number;
  /** What was said to the last try of each write that came to nothing. */
  readonly failed: readonly string[];
  /** Seconds. */
  readonly longest: number;
};

// As long as a client with a retry tries: an election is over by then.
const PATIENCE_MILLISECONDS = 8000;
const SILENCE_MILLISECONDS = 2000;
const PAUSE_MILLISECONDS = 100;
const EVERY_MILLISECONDS = 400;

/** Where servers listen: TLS from `accept` on, and plain text for others than themselves until `require`. */
const PORTS = ['https:SERVER:8501', 'SERVER:8500'];

/** About two a second, through the API server, to whichever of the servers takes them. */
export async function writesDuring(
  api: ApiClient,
  servers: number,
  token: string,
  action: () => Promise<unknown>,
): Promise<WriteOutcome> {
  const places = PORTS.flatMap((port) =>
    Array.from({ length: servers }, (_, at) => port.replace('SERVER', `tandem-server-${at}`)),
  );
  let current = 0;
  let written = 0;
  let longest = 0;
  const failed: string[] = [];
  const tryOnce = async (key: number): Promise<string | undefined> => {
    const place = places[current % places.length] ?? '';
    const path = `/api/v1/namespaces/tandem/pods/${place}/proxy/v1/kv/load/${key}?token=${token}`;
    const answer = await Promise.race([
      api.request('PUT', path, key).catch((error: unknown) => ({ status: 0, body: String(error) })),
      delay(SILENCE_MILLISECONDS, { status: 0, body: 'silent' }),
    ]);
    if (answer.status === 200 && answer.body === true) return undefined;
    current += 1;
    return `${place}: ${answer.status} ${JSON.stringify(answer.body)}`;
  };
  const write = async (): Promise<void> => {
    const begin = performance.now();
    for (;;) {
      const problem = await tryOnce(written);
      const taken = performance.now() - begin;
      longest = Math.max(longest, taken / 1000);
      if (problem === undefined) return void (written += 1);
      if (taken > PATIENCE_MILLISECONDS) return void failed.push(problem);
      await delay(PAUSE_MILLISECONDS);
    }
  };
  await meanwhile(write, EVERY_MILLISECONDS, action);
  return { written, failed, longest: Math.round(longest * 10) / 10 };
}
