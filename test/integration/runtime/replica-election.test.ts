/** What the log says of the election, where a lost race is no trouble, and how a leader ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Term } from '../../../src/kubernetes/leader-term.ts';
import { runElected } from '../../../src/runtime/replica-election.ts';
import type { ApiClient } from '../../../src/kubernetes/api-client.ts';
import type { Log } from '../../../src/telemetry/logger.ts';
import { leaseServer } from '../kubernetes/lease-server.ts';

const LEASE = { namespace: 'tandem', lease: 'tandem-sync' };

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
  await runElected({ client, ...LEASE, log, shutdownDelay: 0, lead }, ending.signal);
  const [line = []] = lines;
  return line;
}

test('another replica that makes the Lease first is information; a right that is missing is a warning', async () => {
  assert.deepEqual(await firstLine(409), ['info', 'another replica was first to write the Lease']);
  assert.deepEqual(await firstLine(403), ['warn', 'the Lease could not be read or written']);
});

const HOUR = 3_600_000;

/** A replica that leads; `done` resolves at its end, and `finish` ends its work. */
async function leader(shutdownDelay: number) {
  const server = leaseServer();
  const ending = new AbortController();
  const term = Promise.withResolvers<Term>();
  const work = Promise.withResolvers<void>();
  const lead = (held: Term): Promise<void> => {
    held.signal.addEventListener('abort', () => work.resolve());
    term.resolve(held);
    return work.promise;
  };
  const said: string[] = [];
  const log: Log = (_level, message) => void said.push(message);
  const client = server.client(() => 'well') as ApiClient;
  const done = runElected({ client, ...LEASE, log, shutdownDelay, lead }, ending.signal);
  return { term: await term.promise, stop: () => ending.abort(), finish: work.resolve, done, said, server };
}

test('a leader that is told to stop leads on until the delay is over', async () => {
  const { term, stop, done, said, server } = await leader(1);
  stop();
  await turn();
  await done;
  assert.ok(!term.isHeld());
  assert.deepEqual(said, ['leading', 'stopping', 'no longer leading']);
  assert.equal(server.spec()['holderIdentity'], '');
});

test('it leads all that time, and its end does not wait for the delay when its work is done', async () => {
  const { term, stop, finish, done, said } = await leader(HOUR);
  stop();
  await turn();
  assert.ok(term.isHeld());
  finish();
  await done;
  assert.deepEqual(said, ['leading', 'stopping', 'no longer leading']);
});

test('a replica that waits for the Lease of another ends at once', async () => {
  const { server, finish, done, stop } = await leader(0);
  const ending = new AbortController();
  const client = server.client(() => 'well') as ApiClient;
  const lead = (): Promise<void> => assert.fail('it does not lead');
  const log: Log = () => undefined;
  const standby = runElected({ client, ...LEASE, log, shutdownDelay: HOUR, lead }, ending.signal);
  await turn();
  ending.abort();
  await standby;
  stop();
  finish();
  await done;
});
