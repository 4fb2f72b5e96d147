/** A replica that was stopped for longer than its Lease lasts, and goes on: it writes nothing any more. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { json as readJson } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { LEASE_TIMES } from '../../../src/kubernetes/election.ts';
import { writePlainKubeconfig } from './plain-kubeconfig.ts';
import { logLine, spawnTandem } from './tandem-process.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

const SERVICE = {
  metadata: { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '5' },
  spec: { type: 'ExternalName', externalName: 'host.example', ports: [{ port: 80 }] },
};

test('after SIGSTOP for longer than the Lease it writes neither to Consul nor to the API server', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-lease-'));
  const consul = await startEmbeddedConsul();
  let lease: { metadata: Record<string, unknown>; spec: Record<string, unknown> } | undefined;
  const written: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
    const send = (status: number, body: unknown): unknown =>
      response.writeHead(status).end(JSON.stringify(body));
    if (pathname.startsWith(LEASES)) {
      if (request.method === 'GET') return lease === undefined ? send(404, {}) : send(200, lease);
      const sent = (await readJson(request)) as NonNullable<typeof lease>;
      if (lease !== undefined && sent.metadata['resourceVersion'] !== lease.metadata['resourceVersion'])
        return send(409, {});
      const version = Number(lease?.metadata['resourceVersion'] ?? 0) + 1;
      lease = { ...sent, metadata: { ...sent.metadata, resourceVersion: String(version) } };
      return send(200, lease);
    }
    if (request.method !== 'GET') written.push(`${request.method} ${pathname}`);
    const isServices = pathname === '/api/v1/services';
    if (!searchParams.has('watch'))
      return send(200, { metadata: { resourceVersion: '5' }, items: isServices ? [SERVICE] : [] });
    return response.writeHead(200).flushHeaders();
  };
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await writePlainKubeconfig(folder, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  // Holds the answers of Consul back, until the replica is stopped: the first thing that it does afterwards is to write.
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const front = createServer((request, response) => {
    const relay = async (): Promise<void> => {
      if (request.method !== 'GET') written.push(`${request.method} ${request.url}`);
      const answered = await fetch(`${consul.url}${request.url}`, { method: request.method ?? 'GET' });
      const body = await answered.text();
      if (request.url?.includes('/v1/health/node/') === true) {
        asked.resolve();
        await held.promise;
      }
      response.writeHead(answered.status, { 'x-consul-index': '5', 'content-type': 'application/json' });
      response.end(body);
    };
    void relay();
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  const flags = [
    `--kubeconfig=${join(folder, 'config')}`,
    `--consul-http-addr=127.0.0.1:${(front.address() as AddressInfo).port}`,
    '--owner=test',
  ];
  const replica = spawnTandem(['sync', ...flags, '--lease-namespace=default', '--status-listen=127.0.0.1:0']);
  context.after(async () => {
    replica.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
    front.closeAllConnections();
    front.close();
    await consul.close();
    await rm(folder, { recursive: true });
  });
  await Promise.all([logLine(replica, 'leading'), asked.promise]);
  replica.kill('SIGSTOP');
  held.resolve();
  await sleep(LEASE_TIMES.renewDeadline + 500);
  assert.ok(lease);
  const { resourceVersion } = lease.metadata;
  lease = {
    metadata: { ...lease.metadata, resourceVersion: `${Number(resourceVersion) + 1}` },
    spec: {
      ...lease.spec,
      holderIdentity: 'another',
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  };
  replica.kill('SIGCONT');
  await logLine(replica, 'no longer leading');
  // Longer than a change takes that is written (p99: 1 s).
  await sleep(1500);
  assert.deepEqual(written, []);
  assert.equal(lease.spec['holderIdentity'], 'another');
});
