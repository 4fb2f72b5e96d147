/** What the log says of the election: a lost race is no trouble. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runElected } from '../../../src/runtime/sync-election.ts';
import type { ApiClient } from '../../../src/kubernetes/api-client.ts';
import type { Log } from '../../../src/telemetry/logger.ts';

/** The first line when there is no Lease yet, and the attempt to make it is answered so. */
async function firstLine(status: number): Promise<readonly string[]> {
  const ending = new AbortController();
  const lines: string[][] = [];
  const log: Log = (level, message) => {
    lines.push([level, message]);
    ending.abort();
  };
  const request: ApiClient['request'] = (method) =>
    Promise.resolve({
      status: method === 'GET' ? 404 : status,
      body: { kind: 'Status', message: 'no' },
      weight: 0,
      headers: {},
    });
  const client: ApiClient = { request } as ApiClient;
  const lead = (): Promise<void> => assert.fail('it does not lead');
  await runElected({ client, namespace: 'tandem', log, lead }, ending.signal);
  const [line = []] = lines;
  return line;
}

test('another replica that makes the Lease first is information; a right that is missing is a warning', async () => {
  assert.deepEqual(await firstLine(409), ['info', 'another replica was first to write the Lease']);
  assert.deepEqual(await firstLine(403), ['warn', 'the Lease could not be read or written']);
});
