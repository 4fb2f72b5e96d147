/** Agent mode with Envoy: what injected pods can do, and what nobody else can. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startConsulAgent } from '../harness/consul-agent.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { echo, echoContainer, echoOver, ECHO_IMAGES } from './echo.ts';
import { dial, leafOf } from './leaf.ts';
import { passing, podOf, startMesh } from './mesh.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const [dbPort = 0, cachePort = 0, webPort = 0, toDb = 0, toCache = 0, toAnyCache = 0, metrics = 0] =
  await freePorts(7);
const mesh = await startMesh(scene);
const agent = await startConsulAgent(scene, mesh.consul, 'node-1');
const run = await mesh.inject('mesh', [
  `--consul-http-port=${agent.ports.http}`,
  `--consul-grpc-port=${agent.ports.grpc}`,
]);
const { consul } = mesh;
await consul.call('POST', '/v1/query', { Name: 'any-cache', Service: { Service: 'cache', Connect: true } });
const [db] = await Promise.all([
  run(
    podOf(
      'db',
      { 'service-meta-price': '$5 of $(POD_NAME)', 'service-tags': '$POD_NAME,$$b' },
      echoContainer('db', dbPort),
    ),
    ECHO_IMAGES,
  ),
  run(podOf('cache', {}, echoContainer('cache', cachePort)), ECHO_IMAGES),
]);
await Promise.all([passing(consul, 'db'), passing(consul, 'cache')]);
// After what it talks to: a proxy asks for a prepared query every 10 s only.
const web = await run(
  podOf(
    'web',
    {
      'connect-service-upstreams': `db:${toDb}, cache:${toCache}, prepared_query:any-cache:${toAnyCache}`,
      'envoy-extra-args': '--component-log-level "upstream:debug,rbac:debug"',
      'consul-envoy-proxy-concurrency': '1',
      'enable-metrics': 'true',
      'prometheus-scrape-port': String(metrics),
      'prometheus-scrape-path': '/stats/mine',
    },
    echoContainer('web', webPort),
  ),
  ECHO_IMAGES,
);
const hello = Buffer.from('hello');
await Promise.all(
  [toDb, toCache, toAnyCache].map((port) => eventually(`an answer on ${port}`, () => echo(port, hello))),
);

test('bytes flow from the upstream port to the destination and back', async () => {
  const bytes = randomBytes(1_000_000);
  const { name, echoed } = await echo(toDb, bytes);
  assert.equal(name, 'db');
  assert.ok(echoed.equals(bytes));
});

test('each of several upstreams leads to its own service, a prepared query to what it selects', async () => {
  const answers = await Promise.all([toDb, toCache, toAnyCache].map((port) => echo(port, hello)));
  assert.deepEqual(
    answers.map(({ name }) => name),
    ['db', 'cache', 'cache'],
  );
});

test('between the pods is mutual TLS: the inbound port serves nobody without a certificate of the mesh', async () => {
  const socket = await dial(consul, db.ip, await leafOf(consul, 'web'));
  assert.match(socket.getPeerCertificate().subjectaltname ?? '', /^URI:spiffe:\/\/.*\/svc\/db$/);
  assert.equal((await echoOver(socket, hello)).name, 'db');

  await assert.rejects(echoOver(await dial(consul, db.ip), hello), /certificate required/);
  await assert.rejects(echoOver(connect(20000, db.ip), hello), /ECONNRESET|closed before all bytes/);
});

test('both Envoys count the TLS handshakes of the bytes that went through them', async () => {
  const handshakes = async (): Promise<readonly number[]> => {
    const stats = await Promise.all([
      web.envoy.admin('/stats?filter=^cluster.db.*ssl.handshake$'),
      db.envoy.admin(`/stats?filter=^listener.${db.ip}_20000.ssl.handshake$`),
    ]);
    return stats.map(counted);
  };
  const [outward = 0, inward = 0] = await handshakes();
  await echo(toDb, hello);
  const [outwardAfter = 0, inwardAfter = 0] = await handshakes();
  assert.ok(outwardAfter > outward, 'the client side');
  assert.ok(inwardAfter > inward, 'the side of the destination');
});

function counted(stats: string): number {
  const lines = stats.trim().split('\n');
  assert.equal(lines.length, 1, stats);
  return Number(lines[0]?.split(': ')[1]);
}

test('a denying intention stops new connections to its destination only, and an allowing one brings them back', async () => {
  const intend = (action: string): Promise<unknown> =>
    consul.call('PUT', '/v1/config', {
      Kind: 'service-intentions',
      Name: 'db',
      Sources: [{ Name: 'web', Action: action }],
    });
  await intend('deny');
  await eventually('a refusal of db', () => assert.rejects(echo(toDb, hello)));
  const denied = await dial(consul, db.ip, await leafOf(consul, 'web'));
  await assert.rejects(echoOver(denied, hello), 'the refusal comes from the destination');
  assert.equal((await echo(toCache, hello)).name, 'cache');

  await intend('allow');
  await eventually('an answer of db', () => echo(toDb, hello));
});

test('Consul knows pod and proxy by their ids, with the meta and tags of their author to the letter, and routes to them when they pass', async () => {
  const instances = (await consul.call('GET', '/v1/health/connect/db?passing')) as readonly {
    readonly Node: { readonly Node: string };
    readonly Service: Readonly<Record<string, unknown>>;
  }[];
  assert.deepEqual(
    instances.map(({ Node }) => Node.Node),
    ['node-1'],
  );
  const { ID, Service, Address, Port, Meta, Tags } = instances[0]?.Service ?? {};
  assert.deepEqual(
    [ID, Service, Address, Port],
    ['mesh.db.db-sidecar-proxy', 'db-sidecar-proxy', db.ip, 20000],
  );
  assert.deepEqual(Meta, {
    'external-source': 'kubernetes',
    'k8s-namespace': 'mesh',
    'managed-by': 'tandem',
    'pod-name': 'db',
    'pod-uid': db.pod.metadata?.uid,
    price: '$5 of $(POD_NAME)',
  });
  assert.deepEqual(Tags, ['db', '$$b']);
});

test('envoy-extra-args and concurrency reach Envoy', async () => {
  const info = JSON.parse(await web.envoy.admin('/server_info')) as {
    readonly command_line_options: Readonly<Record<string, unknown>>;
  };
  assert.equal(info.command_line_options['component_log_level'], 'upstream:debug,rbac:debug');
  assert.equal(info.command_line_options['concurrency'], 1);
});

test('the metrics listener serves what Prometheus reads from the annotations of the pod', async () => {
  const annotations = web.pod.metadata?.annotations ?? {};
  assert.equal(annotations['prometheus.io/scrape'], 'true');
  const { 'prometheus.io/port': port, 'prometheus.io/path': path } = annotations;
  const response = await fetch(`http://${web.ip}:${port}${path}`);
  assert.match(await response.text(), /^envoy_cluster_upstream_cx_total\{.*consul_destination_service="db"/m);
});

test('without tokens an application of another user can read what the init container wrote', () => {
  for (const file of ['envoy-bootstrap.json', 'service.json']) {
    const { mode } = statSync(join(db.volume('consul-connect-inject-data'), file));
    assert.equal(mode & 0o777, 0o644, file);
  }
});

test('the agent of the node is dead: the init container says so', async () => {
  await agent.process.stop('SIGKILL');
  const message = `tandem: could not register with the Consul agent at http://127.0.0.1:${agent.ports.http}; is there a client agent on this node?`;
  await assert.rejects(run(podOf('lost', {}, echoContainer('lost', dbPort)), ECHO_IMAGES), (error: Error) => {
    assert.match(error.message, /^init container consul-connect-inject-init ended with 1:/);
    assert.equal(error.message.split('\n').at(-1), message);
    return true;
  });
  assert.equal((await echo(toDb, hello)).name, 'db', 'the proxies go on with what they know');
});
