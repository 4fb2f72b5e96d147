/** What `tandem check` says of real servers of Consul, each with another fault. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { knowsDomain } from '../../../src/runtime/check-redirection.ts';
import { runTandem } from '../../integration/cli/tandem-process.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul, type Consul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { tandemCheck, type Checked } from '../harness/tandem-check.ts';
import { partPath } from '../parts.ts';

const INSTALL = readFileSync(join(import.meta.dirname, '../../../docs/install.md'), 'utf8');

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'coredns']);
const [api, plain, secured] = await Promise.all([
  startApiServer(scene),
  startConsul(scene, { configuration: { connect: { enabled: false } } }),
  startConsul(scene, { acls: true }),
]);
const kubeconfig = api.kubeconfig();
const cluster = clusterObjects(api);
await cluster.service('web', {
  type: 'ExternalName',
  externalName: 'web.example.com',
  ports: [{ port: 80 }],
});

function check({ url }: Pick<Consul, 'url'>, token?: string): Promise<Checked> {
  return tandemCheck(
    [`--kubeconfig=${kubeconfig}`, `--consul-http-addr=${url}`, '--owner=test', '--add-k8s-namespace-suffix'],
    token,
  );
}

/** A token with this policy. */
async function tokenWith(rules: string): Promise<{ readonly accessor: string; readonly token: string }> {
  const Name = `policy-${Math.random().toString(36).slice(2)}`;
  await secured.call('PUT', '/v1/acl/policy', { Name, Rules: rules });
  const made = (await secured.call('PUT', '/v1/acl/token', { Policies: [{ Name }] })) as {
    readonly AccessorID: string;
    readonly SecretID: string;
  };
  return { accessor: made.AccessorID, token: made.SecretID };
}

test('all is well: leader, version, Connect, token and its rights; the accessor is told, never the token', async () => {
  const { accessor, token } = await tokenWith(
    'node "k8s-sync-test" { policy = "write" } node_prefix "" { policy = "read" } agent_prefix "" { policy = "read" } service_prefix "web" { policy = "write" }',
  );
  const checked = await check(secured, token);
  assert.match(checked.of('consul').join(), /^ok: answers, and its leader is 127\.0\.0\.1:\d+$/);
  assert.deepEqual(checked.of('consul-version'), ['ok: Consul 1.20.6 of datacenter dc1']);
  assert.deepEqual(checked.of('connect'), ['ok: is on and has a CA']);
  assert.deepEqual(checked.of('token'), [`ok: is valid; its accessor is ${accessor}`]);
  assert.deepEqual(checked.of('token-rights'), ['ok: all 2 rights that are needed are granted']);
  assert.ok(!`${checked.stdout}${checked.stderr}`.includes(token));
});

test('least privilege is enough: only the version stays unknown', async () => {
  const { token } = await tokenWith(
    'node "k8s-sync-test" { policy = "write" } service "web-default" { policy = "write" }',
  );
  const checked = await check(secured, token);
  assert.deepEqual(checked.of('token-rights'), ['ok: all 2 rights that are needed are granted']);
  assert.match(
    checked.of('consul-version').join(),
    /^warning: unknown: .*Permission denied.* → .*agent_prefix/s,
  );
  assert.equal(checked.code, 0);
});

test('each right that the token has not is a failure with the rule to add', async () => {
  const { token } = await tokenWith('node_prefix "" { policy = "read" }');
  const checked = await check(secured, token);
  assert.deepEqual(checked.of('token-rights'), [
    'failure: the token may not write the node "k8s-sync-test" → add to its policy: node "k8s-sync-test" { policy = "write" }',
    'failure: the token may not write the service "web-default" → add to its policy: service "web-default" { policy = "write" }',
  ]);
  assert.equal(checked.code, 1);
});

test('a token that does not show everything on the node of the sync', async () => {
  await secured.call('PUT', '/v1/catalog/register', {
    Node: 'k8s-sync-test',
    Address: '127.0.0.1',
    Service: { ID: 'old', Service: 'old' },
  });
  const { token } = await tokenWith(
    'node "k8s-sync-test" { policy = "write" } service "web-default" { policy = "write" }',
  );
  const checked = await check(secured, token);
  assert.match(
    checked.of('token-rights').join('\n'),
    /^failure: the token does not show all services of the node "k8s-sync-test", .* → add to its policy: node /,
  );
  assert.equal(checked.code, 1);
  await secured.call('PUT', '/v1/catalog/deregister', { Node: 'k8s-sync-test' });
});

/** A service with its sidecar, at this cluster address. */
async function meshService(service: string, address: string): Promise<void> {
  const at = { Node: `node-of-${service}`, Address: '10.0.0.1' };
  await secured.call('PUT', '/v1/catalog/register', { ...at, Service: { ID: service, Service: service } });
  await secured.call('PUT', '/v1/catalog/register', {
    ...at,
    Service: {
      Kind: 'connect-proxy',
      ID: `${service}-proxy`,
      Service: `${service}-sidecar-proxy`,
      Address: '10.244.0.1',
      Port: 20000,
      TaggedAddresses: { virtual: { Address: address, Port: 80 } },
      Proxy: { DestinationServiceName: service, DestinationServiceID: service, Mode: 'transparent' },
    },
  });
}

test('sidecars: what is allowed by default against the limit, and an address with two owners', async () => {
  const flags = [`--kubeconfig=${kubeconfig}`, `--consul-http-addr=${secured.url}`, '--owner=test'];
  await meshService('api', '10.96.0.1');
  await meshService('db', '10.96.0.2');
  const denied = await tandemCheck(flags, secured.token);
  assert.match(denied.of('sidecar-memory').join(), /^ok: nothing is allowed by default/);
  assert.deepEqual(denied.of('addresses'), ['ok: each of 2 virtual addresses belongs to one service']);

  await secured.call('PUT', '/v1/config', {
    Kind: 'service-intentions',
    Name: '*',
    Sources: [{ Name: '*', Action: 'allow' }],
  });
  await meshService('new-db', '10.96.0.2');
  await api.createNamespace('shop');
  await api.admin.expect('POST', '/api/v1/namespaces/shop/pods', {
    metadata: {
      name: 'web',
      labels: { 'consul.hashicorp.com/connect-inject-status': 'injected' },
      annotations: { 'consul.hashicorp.com/transparent-proxy-status': 'enabled' },
    },
    spec: {
      initContainers: [
        { name: 'consul-dataplane-web', image: 'none', resources: { limits: { memory: '64Mi' } } },
      ],
      containers: [{ name: 'web', image: 'none', resources: { limits: { memory: '1Mi' } } }],
    },
  });
  const allowed = await tandemCheck(flags, secured.token);
  assert.match(
    allowed.of('sidecar-memory').join(),
    /^warning: 3 services are allowed by default: a sidecar with redirected traffic needs about 58 MiB, and that of shop\/web may have 64 MiB, which is enough for about 37 services → raise /,
  );
  assert.match(
    allowed.of('addresses').join('\n'),
    /^failure: the virtual address 10\.96\.0\.2 belongs to "db" \("db-proxy" on the node "node-of-db"\) and to "new-db" \([^\n]*$/,
  );
  assert.equal(allowed.code, 1);
  const { token } = await tokenWith('node_prefix "" { policy = "read" } service "db" { policy = "read" }');
  const partial = await tandemCheck(flags, token);
  assert.match(
    partial.of('sidecar-memory').join(),
    /^warning: cannot tell .*Permission denied.* → give its policy /s,
  );
  assert.match(
    partial.of('addresses').join(),
    /^warning: cannot tell .*does not show all .* → give its policy /,
  );
  await secured.call('DELETE', '/v1/config/service-intentions/*');
});

test('the domain of Consul in a DNS: known to Consul, unknown to others, and nobody there', async () => {
  const at = (port: number): Resolver => {
    const resolver = new Resolver({ timeout: 500, tries: 1 });
    resolver.setServers([`127.0.0.1:${port}`]);
    return resolver;
  };
  const { dns } = secured.ports;
  const never = new AbortController().signal;
  assert.equal(await knowsDomain(at(dns), 'consul', never), true);
  assert.equal(await knowsDomain(at(dns), 'elsewhere.example', never), false);
  const [block = ''] = /^consul:53 \{\n[^]*?\n\}$/m.exec(INSTALL) ?? [];
  const [port = 0] = await freePorts(1);
  const corefile = join(scene.folder, 'Corefile');
  writeFileSync(corefile, block.replace(':53', `:${port}`).replace('10.96.0.5', `127.0.0.1:${dns}`));
  await scene.start({
    name: 'coredns',
    command: partPath('coredns'),
    args: [`-conf=${corefile}`],
    folder: scene.folder,
    ready: () => knowsDomain(at(port), 'consul', never),
  });
  assert.equal(await knowsDomain(at(port), 'elsewhere.example', never), false);
  await assert.rejects(knowsDomain(at(1), 'consul', never), {
    code: 'TANDEM_KUBERNETES_UNREACHABLE',
  });
});

test('a token that Consul does not know', async () => {
  const unknown = '00000000-0000-0000-0000-00000000dead';
  const checked = await check(secured, unknown);
  assert.match(checked.of('token').join(), /^failure: .*ACL not found.* → set a valid token/);
  assert.equal(checked.of('consul').length, 1);
  assert.match(checked.of('consul').join(), /^ok/);
  assert.ok(!`${checked.stdout}${checked.stderr}`.includes(unknown));
  assert.equal(checked.code, 1);
});

test('no token where one is needed', async () => {
  const checked = await check(secured);
  assert.match(checked.of('token').join(), /^warning: missing, and ACLs are on → /);
  assert.equal(checked.of('token-rights').length, 2);
  assert.equal(checked.code, 1);
});

test('ACLs that allow by default, as in the first two stages of a secure Consul, need no token', async () => {
  const open = await startConsul(scene, {
    configuration: { acl: { enabled: true, default_policy: 'allow' } },
  });
  const checked = await check(open);
  assert.match(
    checked.of('token').join(),
    /^warning: not needed: ACLs are on, but Consul lets anyone who reaches it do everything .* → deny by default/,
  );
  assert.deepEqual(checked.of('token-rights'), ['ok: all 2 rights that are needed are granted']);
});

test('a file of a token that is not there', async () => {
  const checked = await tandemCheck([
    `--kubeconfig=${kubeconfig}`,
    `--consul-http-addr=${secured.url}`,
    '--consul-token-file=/nowhere/token',
  ]);
  assert.match(
    checked.of('token').join(),
    /^failure: cannot read the token in \/nowhere\/token: ENOENT.* → /,
  );
  assert.match(checked.of('consul').join(), /^ok/);
});

test('Connect is off; without ACLs no token is needed', async () => {
  const checked = await check(plain);
  assert.deepEqual(checked.of('connect'), [
    'failure: is off: injected pods get no certificates → set connect { enabled = true } on the servers',
  ]);
  assert.match(
    checked.of('token').join(),
    /^warning: not needed: ACLs are off, so whoever reaches Consul can .* → set global\.secure in the chart/,
  );
  assert.deepEqual(checked.of('token-rights'), []);
  assert.equal(checked.code, 1);
});

test('a server that hangs is told within the limit, and the cluster all the same', async () => {
  await plain.process().hang();
  try {
    const checked = await check(plain);
    assert.match(
      checked.of('consul').join(),
      /^failure: .*no answer yet, nor did the server answer.* → set --consul-http-addr/,
    );
    assert.match(checked.of('api-server').join(), /^ok/);
    assert.equal(checked.code, 1);
  } finally {
    plain.process().goOn();
  }
});

test('something that is no Consul', async () => {
  const server = createServer((_request, response) => response.end('<html>Welcome</html>')).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  try {
    const checked = await check({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    assert.match(checked.of('consul').join(), /^failure: .*not an answer from Consul/);
    assert.equal(checked.code, 1);
  } finally {
    server.close();
  }
});

test('nobody there: a line for people says so, and the output is nothing else', async () => {
  const { stdout, stderr, code } = await runTandem([
    'check',
    `--kubeconfig=${kubeconfig}`,
    '--consul-http-addr=127.0.0.1:1',
  ]);
  const lines = stdout.trimEnd().split('\n');
  assert.ok(
    lines.every((line) => /^(?:ok {5}|warning|failure) {2}[a-z-]+ +\S/.test(line)),
    stdout,
  );
  assert.match(stdout, /^failure {2}consul .*ECONNREFUSED.*; to fix it: set --consul-http-addr/m);
  assert.deepEqual([stderr, code], ['', 1]);
});

test('servers without a leader', { timeout: 120_000 }, async () => {
  const three = await startConsul(scene, { servers: 3 });
  const [first, second, third] = three.servers;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  await Promise.all([second.process().stop('SIGKILL'), third.process().stop('SIGKILL')]);
  await eventually('the loss of the leader', async () =>
    assert.equal(await three.call('GET', '/v1/status/leader'), ''),
  );
  const checked = await check(first);
  assert.match(
    checked.of('consul').join(),
    /^failure: the servers have no leader: .* → start more than half/,
  );
  assert.equal(checked.code, 1);
});
