/**
 * What consul-dataplane does to whoever runs it. The same for the stand-in and, where TANDEM_CONSUL_DATAPLANE names one, for
 * the real program, so that the stand-in is as unkind.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import { startConsul, type Consul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { enterOwnNetwork, startPodNetwork } from '../harness/pod-network.ts';
import type { Exit, RunningProcess } from '../harness/processes.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { jwt } from '../jwt.ts';
import { partPath } from '../parts.ts';
import { REAL, STAND_IN } from './dataplane-image.ts';

enterOwnNetwork();
const scene = await startScene(['consul', 'envoy']);
await startPodNetwork(scene);
const [grpcTls = 0] = await freePorts(1);
const file = (name: string, content: string): string => {
  const path = join(scene.folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};
const ca = await generateCa(Date.now());
const certificate = generateServing(ca, ['server.dc1.consul'], Date.now());
const ca_file = file('ca.pem', ca.certificate);
const grpc = {
  ca_file,
  cert_file: file('server.pem', certificate.certificate),
  key_file: file('server.key', certificate.key),
};
const [consul, secured] = await Promise.all([
  startConsul(scene),
  startConsul(scene, {
    acls: true,
    configuration: { tls: { grpc }, ports: { grpc: -1, grpc_tls: grpcTls } },
  }),
]);
const NODE = 'k8s-x-node-1';
const PROXY = 'default.web.web-sidecar-proxy';
const servers = ['-addresses=127.0.0.1', `-grpc-port=${consul.ports.grpc}`, '-tls-disabled'];
const ready = ['-envoy-ready-bind-address=127.0.0.1', '-envoy-ready-bind-port=21000'];
const proxy = [`-proxy-id=${PROXY}`, `-proxy-node-name=${NODE}`];
const shared = [...servers, ...proxy, ...ready, '-log-json=true'];
await Promise.all([register(''), register('', secured), createAuthMethod()]);
const over = ['-addresses=127.0.0.1', `-grpc-port=${grpcTls}`, ...proxy, ...ready];
const tls = [`-ca-certs=${ca_file}`, '-tls-server-name=server.dc1.consul'];
const bearer = (name: string): string => `-login-bearer-token-path=${join(scene.folder, name)}`;
const login = ['-credential-type=login', '-login-auth-method=pods'];
const meta = ['-login-meta=pod=default/web', '-login-meta=owner=x'];

/** Whoever has a token of the key may be the service that it names. */
async function createAuthMethod(): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await secured.call('PUT', '/v1/acl/auth-method', {
    Name: 'pods',
    Type: 'jwt',
    Config: {
      JWTValidationPubKeys: [publicKey.export({ type: 'spki', format: 'pem' })],
      BoundIssuer: 'test',
      ClaimMappings: { sub: 'sub' },
    },
  });
  await secured.call('PUT', '/v1/acl/binding-rule', {
    AuthMethod: 'pods',
    BindType: 'service',
    BindName: '${value.sub}',
  });
  file('web', jwt({ iss: 'test', sub: 'web' }, privateKey));
  file(
    'forged',
    jwt({ iss: 'test', sub: 'web' }, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  );
}

async function tokens(): Promise<readonly string[]> {
  const all = (await secured.call('GET', '/v1/acl/tokens?authmethod=pods')) as readonly {
    readonly Description: string;
  }[];
  return all.map(({ Description }) => Description);
}

async function register(address: string, at: Consul = consul): Promise<void> {
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
    await at.call('PUT', '/v1/catalog/register', { Node: NODE, Address: '10.0.0.1', Service });
}

for (const program of [STAND_IN, ...(REAL === undefined ? [] : [[REAL]])]) {
  const name = program === STAND_IN ? 'stand-in' : 'real program';
  const start = (args: readonly string[], http = consul.url): Promise<RunningProcess> =>
    scene.start({
      name,
      command: program[0] ?? '',
      args: [...program.slice(1), ...args],
      folder: scene.folder,
      environment: {
        CONSUL_HTTP_ADDR: http,
        PATH: `${dirname(partPath('consul'))}:${dirname(partPath('envoy'))}:${process.env['PATH']}`,
      },
    });
  const serving = async (args: readonly string[], http?: string): Promise<RunningProcess> => {
    const started = await start(args, http);
    await eventually('/ready', async () => {
      if (!(await fetch('http://127.0.0.1:21000/ready')).ok) throw new Error('not ready');
    }).catch(async (error: unknown) => {
      // Its ports are those of the next one.
      await started.stop('SIGKILL');
      throw error;
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
    ['a CA that is not there', [...over, '-ca-certs=/absent.pem'], /failed to read CA certs: /],
    [
      'a CA that is none',
      [...over, `-ca-certs=${join(scene.folder, 'web')}`],
      /failed to configure CA certs: Error loading CA File/,
    ],
    ['a credential of no type', [...shared, '-credential-type=none'], /unknown credential type: none/],
    ['a login without a bearer token', [...shared, ...login], /bearer token .* is required for login/],
    [
      'a bearer token that is not there',
      [...shared, ...login, bearer('absent')],
      /failed to read bearer token from file: /,
    ],
    ['meta that is no pair', [...shared, '-login-meta=pod'], /invalid value "pod" for flag -login-meta/],
  ];
  for (const [what, args, message] of wrong) {
    test(`${name}: ${what} ends it with 1`, async () => {
      const started = await start(args);
      assert.deepEqual(await started.exited, { code: 1, signal: null });
      assert.match(started.log(), message);
    });
  }

  const again: readonly [string, readonly string[]][] = [
    ['servers that do not answer', ['-addresses=127.0.0.1', '-grpc-port=1', '-tls-disabled', ...proxy]],
    [
      'servers with the certificate of another',
      [...over, tls[0] ?? '', '-tls-server-name=other', ...login, bearer('web')],
    ],
    ['servers with a certificate without a name of theirs', [...over, tls[0] ?? '', ...login, bearer('web')]],
    ['servers that refuse the login', [...over, ...tls, ...login, bearer('forged')]],
  ];
  test(`${name}: it asks again and again: ${again.map(([what]) => what).join(', ')}`, async () => {
    await Promise.all(
      again.map(async ([what, args]) => {
        const started = await start(args, secured.url);
        const outcome = await Promise.race([started.exited, delay(3000, 'still asking')]);
        await started.stop('SIGKILL');
        assert.equal(outcome, 'still asking', `${what}: ${started.log()}`);
      }),
    );
    assert.deepEqual(await tokens(), []);
  });

  test(`${name}: over TLS it logs in, has a token while it serves, and gives it back`, async () => {
    const started = await serving([...over, ...tls, ...login, bearer('web'), ...meta], secured.url);
    assert.deepEqual(await tokens(), ['token created via login: {"owner":"x","pod":"default/web"}']);
    assert.deepEqual(await started.stop(), { code: 0, signal: null });
    assert.deepEqual(await tokens(), []);
  });

  test(`${name}: the listener does not move when the address arrives, and SIGTERM ends it at once`, async () => {
    await register('');
    const started = await serving(shared);
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
      const started = await serving([...shared, '-shutdown-grace-period-seconds=4', ...drain]);
      const { exit, seconds } = await ended(started);
      assert.deepEqual(exit, { code: 0, signal: null });
      assert.ok(seconds >= 4, `${seconds} s`);
    });
  }

  test(`${name}: it ends with 0 when its Envoy does`, async () => {
    const started = await serving(shared);
    await fetch('http://127.0.0.1:19000/quitquitquit', { method: 'POST' });
    assert.deepEqual(await started.exited, { code: 0, signal: null });
  });
}

async function ended(started: RunningProcess): Promise<{ readonly exit: Exit; readonly seconds: number }> {
  const from = performance.now();
  const exit = await started.stop();
  return { exit, seconds: (performance.now() - from) / 1000 };
}
