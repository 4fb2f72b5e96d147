/** What others wrote, on the plain port. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusServer } from '../../../src/http/status-server.ts';
import type { Status } from '../../../src/status-page/status.ts';

const HOSTILE = 'shop\u001b[2J\u009b2J\u007f\u202e/web';

test('no terminal obeys what /status and /health/ready answer, and programs read it as it is', async () => {
  const server = statusServer({
    title: 'Tandem sync',
    version: '1.2.3',
    notReady: () => HOSTILE,
    metrics: async () => '',
    metricsType: 'text/plain',
    status: () => ({ controllers: [], node: HOSTILE }) as unknown as Status,
    onStatusChange: () => () => undefined,
  });
  for (const [path, key] of [
    ['/status', 'node'],
    ['/health/ready', 'reason'],
  ] as const) {
    const { body } = await server.inject(path);
    assert.match(body, /^[\x20-\x7e]+$/, path);
    assert.equal((JSON.parse(body) as Record<string, unknown>)[key], HOSTILE);
  }
  await server.close();
});
