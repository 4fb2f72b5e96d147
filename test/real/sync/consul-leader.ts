/** Which of several Consul servers leads, asked of each of them. */
import assert from 'node:assert/strict';
import type { ConsulServer } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';

// A busy machine takes seconds; a server that is cut off gives no answer at all.
const TIME_LIMIT = 20_000;

/** JSON of an answer of 2xx; throws with the text of any other, and when there is none in time. */
export async function ask(server: Pick<ConsulServer, 'url'>, path: string, put?: object): Promise<unknown> {
  const request = put === undefined ? {} : { method: 'PUT', body: JSON.stringify(put) };
  const response = await fetch(new URL(path, server.url), {
    ...request,
    signal: AbortSignal.timeout(TIME_LIMIT),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** The leader as these servers see it, as soon as they see one. */
export async function leaderOf(servers: readonly ConsulServer[]): Promise<ConsulServer> {
  return eventually('a leader', async () => {
    const said = await Promise.all(servers.map((server) => ask(server, '/v1/status/leader')));
    const leader = servers.find(({ ports }) => said.every((each) => each === `127.0.0.1:${ports.server}`));
    assert.ok(leader !== undefined, JSON.stringify(said));
    return leader;
  });
}
