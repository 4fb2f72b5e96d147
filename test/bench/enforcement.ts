/** From an intention that is applied to the first new connection that a real Envoy treats by it. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { partPath } from '../real/parts.ts';
import type { entryScene } from '../real/config-entries/entry-scene.ts';
import type { Consul } from '../real/harness/consul.ts';
import { freePorts } from '../real/harness/ports.ts';
import { startEnvoy } from '../real/harness/proxies.ts';
import type { Scene } from '../real/harness/scene.ts';
import { figure, median, percentile } from './figure.ts';

type Parts = {
  readonly scene: Scene;
  readonly consul: Consul;
  readonly at: Pick<ReturnType<typeof entryScene>, 'apply'>;
};

const POLL_MILLISECONDS = 10;

/** @param changes from allow to deny and back */
export async function benchEnforcement(parts: Parts, changes: number): Promise<void> {
  const reach = await startMesh(parts);
  const intention = (action: 'allow' | 'deny'): Promise<unknown> =>
    parts.at.apply('ServiceIntentions', 'default/callee', {
      destination: { name: 'callee' },
      sources: [{ name: 'caller', action }],
    });
  await intention('allow');
  await until(reach, true);
  const times: number[] = [];
  for (let nth = 0; nth < changes; nth += 1) {
    const isAllowed = nth % 2 === 1;
    await intention(isAllowed ? 'allow' : 'deny');
    const start = performance.now();
    await until(reach, isAllowed);
    times.push(performance.now() - start);
    await wait(Math.random() * 200);
  }
  const what = 'config entries: intention applied to obeyed by Envoy';
  figure(`${what}, p50`, median(times), 'ms', `target <= 500; ${changes} changes`);
  const longest = Math.round(Math.max(...times));
  figure(`${what}, p99`, percentile(times, 0.99), 'ms', `target <= 1500; the longest ${longest}`);
}

async function until(reach: () => Promise<boolean>, expected: boolean): Promise<void> {
  while ((await reach()) !== expected) await wait(POLL_MILLISECONDS);
}

/** `caller`, with Consul's own proxy, and `callee` behind Envoy. The answer tells whether a new connection gets through. */
async function startMesh({ scene, consul }: Parts): Promise<() => Promise<boolean>> {
  const [app = 0, inbound = 0, upstream = 0] = await freePorts(3);
  const server = createServer((_request, response) => response.end('here'));
  server.listen(app, '127.0.0.1');
  await once(server, 'listening');
  scene.atEnd(() => server.close());
  await consul.call('PUT', '/v1/agent/service/register', {
    Name: 'callee',
    Port: app,
    Connect: { SidecarService: { Port: inbound } },
  });
  const program = partPath('consul');
  const config = join(scene.folder, 'callee.json');
  const { stdout } = await promisify(execFile)(program, [
    'connect',
    'envoy',
    '-sidecar-for=callee',
    '-bootstrap',
    `-http-addr=${consul.url}`,
    `-grpc-addr=127.0.0.1:${consul.ports.grpc}`,
    `-envoy-binary=${partPath('envoy')}`,
    '-ignore-envoy-compatibility',
  ]);
  await writeFile(config, stdout, { mode: 0o600 });
  await startEnvoy(scene, { name: 'envoy', command: partPath('envoy'), args: ['--config-path', config] });
  await scene.start({
    name: 'caller',
    command: program,
    args: ['connect', 'proxy', `-http-addr=${consul.url}`, '-service=caller', `-upstream=callee:${upstream}`],
  });
  return () =>
    new Promise((resolve) => {
      const asked = request(
        { port: upstream, host: '127.0.0.1', agent: false, timeout: 2000 },
        (response) => {
          response.resume();
          resolve(response.statusCode === 200);
        },
      );
      asked.on('error', () => resolve(false));
      asked.on('timeout', () => asked.destroy());
      asked.end();
    });
}
