/** Every part of the chart by its switch: alone, left out, and by "-". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, renderChart, type Rendered } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';

await startScene(['helm']);

/** What a part consists of, by what it renders when it comes alone; `needs` is what it cannot do without. */
const parts: Readonly<Record<string, { readonly objects: readonly string[]; readonly needs?: object }>> = {
  server: {
    objects: [
      'ConfigMap tandem-server',
      'PodDisruptionBudget tandem-server',
      'Service tandem-server',
      'StatefulSet tandem-server',
    ],
  },
  client: {
    objects: ['ConfigMap tandem-client', 'DaemonSet tandem-client'],
    needs: { client: { enabled: true, join: ['10.0.0.1'] } },
  },
  connectInject: {
    objects: [
      'ClusterRole tandem-webhook',
      'ClusterRoleBinding tandem-webhook',
      'Deployment tandem-webhook',
      'MutatingWebhookConfiguration tandem-webhook',
      'Pod tandem-test-injection',
      'PodDisruptionBudget tandem-webhook',
      'Role tandem-webhook',
      'RoleBinding tandem-webhook',
      'Service tandem-webhook',
      'ServiceAccount tandem-webhook',
    ],
  },
  syncCatalog: {
    objects: [
      'ClusterRole tandem-sync',
      'ClusterRoleBinding tandem-sync',
      'Deployment tandem-sync',
      'Pod tandem-test-sync',
      'PodDisruptionBudget tandem-sync',
      'Role tandem-sync',
      'RoleBinding tandem-sync',
      'ServiceAccount tandem-sync',
    ],
    needs: {
      syncCatalog: { enabled: true },
      externalServers: { enabled: true, hosts: ['consul.example'] },
    },
  },
};
// Of servers and clients, and of nothing else.
const services: Readonly<Record<string, readonly string[]>> = {
  dns: ['Service tandem-dns'],
  ui: ['Service tandem-ui'],
};
const TESTS = [
  'ConfigMap tandem-test',
  'Role tandem-test',
  'RoleBinding tandem-test',
  'ServiceAccount tandem-test',
];

function namesOf({ objects }: Rendered): readonly string[] {
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
}

function sorted(...lists: readonly (readonly string[])[]): readonly string[] {
  return lists.flat().toSorted();
}

const everything = sorted(
  ...Object.values(parts).map(({ objects }) => objects),
  ...Object.values(services),
  TESTS,
);

test('"-" is what global.enabled says: everything, or nothing at all', async () => {
  assert.deepEqual(namesOf(await renderChart()), everything);
  assert.deepEqual(namesOf(await renderChart({ global: { enabled: false } })), []);
});

for (const [part, { objects, needs }] of Object.entries(parts)) {
  test(`${part} alone`, async () => {
    const values = { global: { enabled: false }, ...(needs ?? { [part]: { enabled: true } }) };
    const tests = objects.some((name) => name.startsWith('Pod tandem-test')) ? TESTS : [];
    assert.deepEqual(namesOf(await renderChart(values)), sorted(objects, tests));
  });

  test(`everything but ${part}`, async () => {
    const without = { [part]: { enabled: false } };
    // The others go on with servers that are elsewhere.
    const elsewhere = part === 'server' ? { externalServers: { enabled: true, hosts: ['10.0.0.1'] } } : {};
    const gone = [...objects, ...(part === 'server' ? (services['ui'] ?? []) : [])];
    assert.deepEqual(
      namesOf(await renderChart({ ...without, ...elsewhere })),
      everything.filter((name) => !gone.includes(name)),
    );
  });
}

for (const [part, objects] of Object.entries(services))
  test(`${part} on and off`, async () => {
    const off = namesOf(await renderChart({ [part]: { enabled: false } }));
    assert.deepEqual(
      off,
      everything.filter((name) => !objects.includes(name)),
    );
    const servers = { global: { enabled: false }, server: { enabled: true } };
    const on = namesOf(await renderChart({ ...servers, [part]: { enabled: true } }));
    assert.deepEqual(on, sorted(parts['server']?.objects ?? [], objects));
  });

test('clients join the servers of the chart, those elsewhere, or what the values name', async () => {
  const joined = async (values: object): Promise<unknown> => {
    const data = at((await renderChart(values)).one('ConfigMap', 'tandem-client'), 'data') as Record<
      string,
      string
    >;
    return (JSON.parse(data['client.json'] ?? '') as Record<string, unknown>)['retry_join'];
  };
  assert.deepEqual(await joined({}), ['tandem-server.tandem.svc:8301']);
  const elsewhere = { server: { enabled: false }, externalServers: { enabled: true, hosts: ['a', 'b'] } };
  assert.deepEqual(await joined(elsewhere), ['a', 'b']);
  const join = ['provider=aws tag_key=consul tag_value="a server"'];
  assert.deepEqual(await joined({ ...elsewhere, client: { join } }), join);
});

test('without servers of its own the sync speaks to those elsewhere, else to the agent of its node', async () => {
  const address = async (values: object): Promise<string | undefined> => {
    const deployment = (await renderChart({ server: { enabled: false }, ...values })).one(
      'Deployment',
      'tandem-sync',
    );
    const args = at(deployment, 'spec', 'template', 'spec', 'containers', 0, 'args') as string[];
    return args.find((each) => each.startsWith('--consul-http-addr='))?.slice('--consul-http-addr='.length);
  };
  assert.equal(await address({ client: { join: ['a'] } }), '$(HOST_IP):8500');
  const externalServers = { enabled: true, hosts: ['a', 'b'], httpsPort: 443 };
  assert.equal(await address({ externalServers }), 'http://a:8500,http://b:8500');
  const tls = { enabled: true, caCert: { secretName: 'ca' } };
  assert.equal(await address({ externalServers, global: { tls } }), 'https://a:443,https://b:443');
});

test('names come from the release, or from global.name', async () => {
  const prefixes = async (release: string, values: object = {}): Promise<readonly string[]> => {
    const { objects } = await renderChart(values, { name: release, namespace: 'mesh' });
    const of = (name = ''): string => name.replace(/-test-[a-z]+$|-[a-z]+$/, '');
    return [...new Set(objects.map(({ metadata }) => of(metadata.name)))];
  };
  assert.deepEqual(await prefixes('mesh'), ['mesh-tandem']);
  assert.deepEqual(await prefixes('tandem-east'), ['tandem-east']);
  assert.deepEqual(await prefixes('mesh', { global: { name: 'consul' } }), ['consul']);
});

test('types, ports and addresses of the Services are values', async () => {
  const chart = await renderChart({
    dns: { type: 'LoadBalancer', annotations: { a: 'b' } },
    ui: { service: { type: 'NodePort', nodePort: { http: 30080 } } },
  });
  const dns = chart.one('Service', 'tandem-dns');
  assert.equal(at(dns, 'spec', 'type'), 'LoadBalancer');
  assert.equal(dns.metadata.annotations?.['a'], 'b');
  const ui = chart.one('Service', 'tandem-ui');
  assert.deepEqual([at(ui, 'spec', 'type'), at(ui, 'spec', 'ports', 0, 'nodePort')], ['NodePort', 30080]);
  const pinned = await renderChart({ dns: { clusterIP: '10.96.0.53' } });
  assert.equal(at(pinned.one('Service', 'tandem-dns'), 'spec', 'clusterIP'), '10.96.0.53');
});
