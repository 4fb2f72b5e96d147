/**
 * What consul-dataplane does to whoever runs it. The same for the stand-in and, where TANDEM_CONSUL_DATAPLANE names one, for
 * the real program, so that the stand-in is as unkind.
 */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { enterOwnNetwork, startPodNetwork } from '../harness/pod-network.ts';
import type { Exit, RunningProcess } from '../harness/processes.ts';
import { startScene } from '../harness/scene.ts';
import { partPath } from '../parts.ts';
import { REAL, STAND_IN } from './dataplane-image.ts';

enterOwnNetwork();
const scene = await startScene(['consul', 'envoy']);
await startPodNetwork(scene);
const consul = await startConsul(scene);
const NODE = 'k8s-x-node-1';
const PROXY = 'default.web.web-sidecar-proxy';
const servers = ['-addresses=127.0.0.1', `-grpc-port=${consul.ports.grpc}`, '-tls-disabled'];
const ready = ['-envoy-ready-bind-address=127.0.0.1', '-envoy-ready-bind-port=21000'];
const proxy = [`-proxy-id=${PROXY}`, `-proxy-node-name=${NODE}`];
const shared = [...servers, ...proxy, ...ready, '-log-json=true'];
await register('');

async function register(address: string): Promise<void> {
  const service = { ID: 'default.web.web', Service: 'web', Address: address, Port: 9090 };
  const connect = {
    DestinationServiceName: 'web',
    DestinationServiceID: 'default.web.web',
    LocalServicePort: 9090,
    Config: { bind_address: '0.0.0.0' },
  };
  const sidecar = {
    Kind: 'connect-proxy',
    ID: PROXY,
    Service: 'web-sidecar-proxy',
    Address: address,
    Port: 20_000,
    Proxy: connect,
  };
  for (const Service of [service, sidecar])
    await consul.call('PUT', '/v1/catalog/register', { Node: NODE, Address: '10.0.0.1', Service });
}

for (const program of [STAND_IN, ...(REAL === undefined ? [] : [[REAL]])]) {
  const name = program === STAND_IN ? 'stand-in' : 'real program';
  const start = (args: readonly string[]): Promise<RunningProcess> =>
    scene.start({
      name,
      command: program[0] ?? '',
      args: [...program.slice(1), ...args],
      folder: scene.folder,
      environment: {
        CONSUL_HTTP_ADDR: consul.url,
        PATH: `${dirname(partPath('consul'))}:${dirname(partPath('envoy'))}:${process.env['PATH']}`,
      },
    });
  const serving = async (args: readonly string[]): Promise<RunningProcess> => {
    const started = await start([...shared, ...args]);
    await eventually('/ready', async () => {
      if (!(await fetch('http://127.0.0.1:21000/ready')).ok) throw new Error('not ready');
    });
    return started;
  };

  const wrong: readonly [string, readonly string[], RegExp][] = [
    ['a flag that it does not have', ['-nonsense'], /flag provided but not defined: -nonsense/],
    ['a flag of other versions', ['-envoy-executable-path=x'], /flag provided but not defined/],
    ['a number that is none', ['-grpc-port=abc'], /invalid value "abc" for flag -grpc-port/],
    ['no servers', proxy, /consul addresses not specified/],
    ['no proxy', servers, /proxy ID not specified/],
    ['no node', [...servers, `-proxy-id=${PROXY}`], /Node ID or name required/],
    [
      'a proxy that is not registered',
      [...servers, '-proxy-id=default.db.db-sidecar-proxy', `-proxy-node-name=${NODE}`],
      /code = NotFound/,
    ],
    [
      'a node that is not registered',
      [...servers, `-proxy-id=${PROXY}`, '-proxy-node-name=k8s-x-node-2'],
      /code = NotFound/,
    ],
  ];
  for (const [what, args, message] of wrong) {
    test(`${name}: ${what} ends it with 1`, async () => {
      const started = await start(args);
      assert.deepEqual(await started.exited, { code: 1, signal: null });
      assert.match(started.log(), message);
    });
  }

  test(`${name}: servers that do not answer are asked again`, async () => {
    const started = await start(['-addresses=127.0.0.1', '-grpc-port=1', '-tls-disabled', ...proxy]);
    const outcome = await Promise.race([started.exited, delay(3000, 'still asking')]);
    await started.stop('SIGKILL');
    assert.equal(outcome, 'still asking');
  });

  test(`${name}: the listener does not move when the address arrives, and SIGTERM ends it at once`, async () => {
    await register('');
    const started = await serving([]);
    const stat = async (what: string): Promise<string> =>
      (await (await fetch(`http://127.0.0.1:19000/stats?filter=${what}`)).text()).trim();
    const before = await (await fetch('http://127.0.0.1:19000/listeners')).text();
    assert.match(before, /^public_listener:0\.0\.0\.0:20000::0\.0\.0\.0:20000$/m);
    await register('127.0.0.1');
    await eventually('the address in the health endpoint of Consul', async () => {
      const [found] = (await consul.call('GET', '/v1/health/connect/web')) as readonly {
        readonly Service: { readonly Address: string };
      }[];
      assert.equal(found?.Service.Address, '127.0.0.1');
    });
    await fetch('http://127.0.0.1:19000/stats');
    assert.equal(await stat('listener_manager.listener_modified'), 'listener_manager.listener_modified: 0');
    assert.equal(await (await fetch('http://127.0.0.1:19000/listeners')).text(), before);
    const { exit, seconds } = await ended(started);
    assert.deepEqual(exit, { code: 0, signal: null });
    assert.ok(seconds < 3, `${seconds} s`);
  });

  for (const drain of [[], ['-shutdown-drain-listeners']]) {
    test(`${name}: SIGTERM is held for the whole grace period ${drain.join('')}`, async () => {
      const started = await serving(['-shutdown-grace-period-seconds=4', ...drain]);
      const { exit, seconds } = await ended(started);
      assert.deepEqual(exit, { code: 0, signal: null });
      assert.ok(seconds >= 4, `${seconds} s`);
    });
  }

  test(`${name}: it ends with 0 when its Envoy does`, async () => {
    const started = await serving([]);
    await fetch('http://127.0.0.1:19000/quitquitquit', { method: 'POST' });
    assert.deepEqual(await started.exited, { code: 0, signal: null });
  });
}

async function ended(started: RunningProcess): Promise<{ readonly exit: Exit; readonly seconds: number }> {
  const from = performance.now();
  const exit = await started.stop();
  return { exit, seconds: (performance.now() - from) / 1000 };
}
