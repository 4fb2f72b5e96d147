/** Somebody who may create pods, their status and Services in one namespace, beside pods of others on the same node. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '../harness/api-server.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { inConsul, writeStatus } from './dataplane-pods.ts';
import { assertInTime } from './in-time.ts';
import { placedPods } from './placed-pods.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
await api.createNamespace('shop');
await api.createNamespace('evil');
await startWebhook(scene, api, 'shop', ['--proxy-mode=dataplane', '--owner=cluster1']);
const sync = await startTandemSync(scene, api, consul, [
  '--registrar',
  '--owner=cluster1',
  '--service-names=service',
]);
const pods = placedPods(api, 'shop');
await pods.create('app-0');
await inConsul(consul, 'app', ['shop.app-0.app passing']);

type Forged = {
  readonly registration?: (name: string) => object;
  readonly env?: readonly object[];
  readonly args?: readonly string[];
  readonly status?: object;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
};

const plain = (name: string, config: object = {}, service: object = {}): object => ({
  services: [
    { id: `evil.${name}.web`, name: 'web', port: 80, ...service },
    { kind: 'connect-proxy', id: `evil.${name}.web-sidecar-proxy`, port: 20_000, proxy: { config } },
  ],
});

let count = 0;
async function forge(
  name: string,
  { registration = plain, env = [], args, status = {}, labels = {}, annotations = {} }: Forged,
): Promise<void> {
  count += 1;
  const path = '/api/v1/namespaces/evil/pods';
  await api.admin.expect('POST', path, {
    metadata: {
      name,
      annotations,
      labels: { 'consul.hashicorp.com/connect-inject-status': 'injected', ...labels },
    },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'web', image: 'web' }],
      initContainers: [
        {
          name: 'consul-dataplane',
          image: 'web',
          restartPolicy: 'Always',
          args: args ?? ['-proxy-node-name=k8s-cluster1-$(NODE_NAME)'],
          env: [
            ...env,
            ...(env.length > 0
              ? []
              : [
                  {
                    name: 'TANDEM_REGISTRATION',
                    value: JSON.stringify(registration(name)).replaceAll('$', '$$$$'),
                  },
                ]),
          ],
        },
      ],
    },
  });
  const ip = `10.2.0.${count}`;
  await api.admin.expect(
    'PATCH',
    `${path}/${name}/status`,
    {
      status: {
        phase: 'Running',
        podIP: ip,
        podIPs: [{ ip }],
        hostIP: '10.0.0.1',
        hostIPs: [{ ip: '10.0.0.1' }],
        conditions: [{ type: 'Ready', status: 'True' }],
        ...status,
      },
    },
    MERGE_PATCH,
  );
}

const doubled = (levels: number): object[] => [
  { name: 'V0', value: 'x'.repeat(64) },
  ...Array.from({ length: levels }, (_, at) => ({ name: `V${at + 1}`, value: `$(V${at})$(V${at})` })),
  { name: 'TANDEM_REGISTRATION', value: `$(V${levels})` },
];

const attacks: Readonly<Record<string, Forged>> = {
  'variables-that-double': { env: doubled(40) },
  brackets: { env: [{ name: 'TANDEM_REGISTRATION', value: '$('.repeat(500_000) }] },
  'one-large-many-times': {
    env: [
      { name: 'A', value: 'x'.repeat(100_000) },
      { name: 'TANDEM_REGISTRATION', value: '$(A)'.repeat(100_000) },
    ],
  },
  nested: {
    env: [
      { name: 'TANDEM_REGISTRATION', value: `{"services":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}` },
    ],
  },
  'null-in-a-list': { registration: (name) => plain(name, { a: [null] }) },
  'many-tags': {
    registration: (name) => plain(name, {}, { tags: Array.from({ length: 10_000 }, (_, at) => `t${at}`) }),
  },
  'much-meta': {
    registration: (name) =>
      plain(name, {}, { meta: Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`k${at}`, 'v'])) }),
  },
  'no-port': { registration: (name) => plain(name, {}, { port: -1 }) },
  nan: { registration: (name) => plain(name, {}, { port: 'NaN' }) },
  'of-another': { registration: () => plain('app-0') },
  'long-message': {
    status: { conditions: [{ type: 'Ready', status: 'False', message: 'm'.repeat(1_000_000) }] },
  },
  'any-address': { status: { podIP: '0.0.0.0', podIPs: [{ ip: '0.0.0.0' }] } },
  'many-labels': { labels: Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`l${at}`, 'v'])) },
  warnings: {
    annotations: {
      'tandem/injected': JSON.stringify({
        warnings: Array.from({ length: 5000 }, (_, at) => `\u001b[2J\u202e${at}`),
      }),
    },
  },
  'old-form': {
    env: [{ name: 'POD_NAME', value: 'app-0' }],
    args: ['-proxy-node-name=$(NODE_NAME)-virtual', '-proxy-id=$(POD_NAME)-app-sidecar-proxy'],
  },
};

for (const [name, attack] of Object.entries(attacks)) {
  test(`${name}: the pod beside it is ready, unready and gone in time`, async (context) => {
    await forge(name, attack);
    await writeStatus(api, pods.path('app-0'), { ready: false });
    const begin = performance.now();
    await inConsul(consul, 'app', ['shop.app-0.app critical']);
    await writeStatus(api, pods.path('app-0'), { ready: true });
    await inConsul(consul, 'app', ['shop.app-0.app passing']);
    await pods.create('app-1');
    await inConsul(consul, 'app', ['shop.app-0.app passing', 'shop.app-1.app passing']);
    await pods.remove('app-1');
    await inConsul(consul, 'app', ['shop.app-0.app passing']);
    const seconds = (performance.now() - begin) / 1000;
    assertInTime(context, seconds, 4);
  });
}

test('the process is the same, and each Event says what is wrong with its own pod', async () => {
  assert.equal((await sync.status()).process.leader, true);
  assert.doesNotMatch(sync.process.log(), /a reconcile of the registrar failed/);
  await eventually('the Events', async () => {
    const { items } = (await api.admin.expect('GET', '/api/v1/namespaces/evil/events')) as unknown as {
      readonly items: readonly {
        readonly involvedObject: { readonly name: string };
        readonly reason: string;
        readonly message: string;
      }[];
    };
    const said = (name: string): string =>
      items.find(({ involvedObject }) => involvedObject.name === name)?.message ?? '';
    assert.match(said('null-in-a-list'), /config with null in a list/);
    assert.match(said('of-another'), /which are not of this pod/);
    assert.match(said('old-form'), /-proxy-id is not of this pod/);
    assert.match(said('much-meta'), /Invalid Service Meta/);
    assert.match(said('variables-that-double'), /is not JSON with a service and its proxy/);
  });
});

test('a node that Consul cannot give back as a whole is named; its pods go on, and those of the others', async () => {
  await pods.create('app-2', { node: 'node-2' });
  await inConsul(consul, 'app', ['shop.app-0.app passing', 'shop.app-2.app passing']);
  // Whoever may write this service may put it on any node.
  const poison = { ID: 'evil', Service: 'evil', Proxy: { Config: { a: [null] } } };
  const node = { Node: 'k8s-cluster1-node-2', Address: '10.0.0.1', SkipNodeUpdate: true };
  await consul.call('PUT', '/v1/catalog/register', { ...node, Service: poison });
  for (const ready of [false, true]) {
    for (const name of ['app-0', 'app-2']) await writeStatus(api, pods.path(name), { ready });
    const status = ready ? 'passing' : 'critical';
    await inConsul(consul, 'app', [`shop.app-0.app ${status}`, `shop.app-2.app ${status}`]);
  }
  // Whether the node has to go with its last pod, only the whole of it can tell.
  await pods.remove('app-2');
  await inConsul(consul, 'app', ['shop.app-0.app passing']);
  await eventually('the log line', async () =>
    assert.match(sync.process.log(), /closes the connection at this request.*a Consul node cannot be read/),
  );
  await consul.call('PUT', '/v1/catalog/deregister', { Node: node.Node, ServiceID: 'evil' });
  await eventually('the end of the node', async () =>
    assert.equal(await consul.call('GET', `/v1/catalog/node/${node.Node}`), null),
  );
});
