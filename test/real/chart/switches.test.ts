/** Every part of the chart by its switch: alone, left out, and by "-". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENTRY_KINDS } from '../../../src/catalog/config-entries/entry-kinds.ts';
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
      'Service tandem-server-ready',
      'StatefulSet tandem-server',
    ],
  },
  client: {
    objects: ['ConfigMap tandem-client', 'DaemonSet tandem-client'],
    needs: { client: { enabled: true, join: ['10.0.0.1'] } },
  },
  connectInject: {
    objects: [
      'ClusterRole tandem-redirector',
      'ClusterRole tandem-webhook',
      'ClusterRoleBinding tandem-redirector',
      'ClusterRoleBinding tandem-webhook',
      'DaemonSet tandem-redirector',
      'Deployment tandem-webhook',
      'MutatingWebhookConfiguration tandem-webhook',
      'Pod tandem-test-injection',
      'PodDisruptionBudget tandem-webhook',
      'ResourceQuota tandem-redirector',
      'ResourceQuota tandem-webhook',
      'Role tandem-webhook',
      'RoleBinding tandem-webhook',
      'Service tandem-webhook',
      'ServiceAccount tandem-redirector',
      'ServiceAccount tandem-webhook',
      'ValidatingAdmissionPolicy tandem-webhook',
      'ValidatingAdmissionPolicyBinding tandem-webhook',
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

const SECURE = [
  'ClusterRole tandem-auth-method',
  'ClusterRole tandem-secure',
  'ClusterRoleBinding tandem-auth-method',
  'ClusterRoleBinding tandem-secure',
  'Deployment tandem-secure',
  'Role tandem-secure',
  'RoleBinding tandem-secure',
  'ServiceAccount tandem-auth-method',
  'ServiceAccount tandem-secure',
];
// Of injection, where a Consul is known, as the CRDs are.
const CONFIG_ENTRIES = ['ValidatingWebhookConfiguration tandem-webhook'];
const CRDS = ENTRY_KINDS.map(({ plural }) => `CustomResourceDefinition ${plural}.consul.hashicorp.com`);
// What else runs the sync.
const NO_OTHERS = { registrar: { enabled: false }, configEntries: { enabled: false } };
const everything = sorted(
  ...Object.values(parts).map(({ objects }) => objects),
  ...Object.values(services),
  TESTS,
  CONFIG_ENTRIES,
);

test('"-" is what global.enabled says: everything, or nothing at all', async () => {
  assert.deepEqual(namesOf(await renderChart()), everything);
  assert.deepEqual(namesOf(await renderChart({ global: { enabled: false } })), []);
});

test('the CRDs come with config entries', async () => {
  const crds = async (values: object = {}): Promise<readonly string[]> => {
    const chart = await renderChart({ ...values, configEntries: { installCRDs: true } });
    return namesOf(chart).filter((name) => name.startsWith('CustomResourceDefinition'));
  };
  assert.deepEqual(await crds(), CRDS.toSorted());
  for (const values of [{ connectInject: { enabled: false } }, { global: { enabled: false } }])
    assert.deepEqual(await crds(values), []);
});

test('a secure Consul adds what makes it so, and without ACLs nothing of them', async () => {
  assert.deepEqual(namesOf(await renderChart({ global: { secure: true } })), sorted(everything, SECURE));
  const global = { secure: true, acls: { manageSystemACLs: false } };
  assert.deepEqual(
    namesOf(await renderChart({ global })),
    sorted(
      everything,
      SECURE.filter((name) => !name.includes('auth-method')),
    ),
  );
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
    const gone = [
      ...objects,
      ...(part === 'server' ? (services['ui'] ?? []) : []),
      ...(['connectInject', 'syncCatalog'].includes(part) ? CONFIG_ENTRIES : []),
    ];
    const values = { ...without, ...elsewhere, ...(part === 'syncCatalog' ? NO_OTHERS : {}) };
    assert.deepEqual(
      namesOf(await renderChart(values)),
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

test('the registrar comes with the webhook, and brings the sync along when there is none', async () => {
  const isOn = async (values: object): Promise<boolean> => {
    const chart = await renderChart(values);
    if (!chart.has('Deployment', 'tandem-sync')) return false;
    const container = at(chart.one('Deployment', 'tandem-sync'), 'spec', 'template', 'spec', 'containers', 0);
    return (at(container, 'args') as string[]).includes('--registrar');
  };
  const off = { enabled: false };
  const on = { enabled: true };
  const alone = { global: off, connectInject: on };
  const elsewhere = { externalServers: { enabled: true, hosts: ['10.0.0.1'] } };
  assert.deepEqual(
    await Promise.all(
      [
        {},
        { syncCatalog: off },
        { connectInject: off },
        { registrar: off },
        alone,
        { ...alone, ...elsewhere, syncCatalog: on, connectInject: { enabled: true, proxyMode: 'agent' } },
        { ...alone, ...elsewhere },
        { ...alone, ...elsewhere, connectInject: { enabled: true, proxyMode: 'agent' } },
        { ...alone, ...elsewhere, connectInject: { enabled: true, proxyMode: 'agent' }, registrar: on },
      ].map(isOn),
    ),
    [true, true, false, false, false, true, true, false, true],
  );
  const registrarOnly = namesOf(await renderChart({ syncCatalog: off }));
  assert.deepEqual(
    registrarOnly,
    everything.filter((name) => name !== 'Pod tandem-test-sync'),
  );
});

test("what becomes of Consul's services has a Role, and a test, in its namespace and no other", async () => {
  const syncCatalog = { toK8S: true, k8sWriteNamespace: 'from-consul' };
  const chart = await renderChart({ global: { owner: 'one' }, syncCatalog });
  const added = [
    'Pod tandem-test-to-kubernetes',
    'Role tandem-sync-to-k8s',
    'Role tandem-test-to-kubernetes',
    'RoleBinding tandem-sync-to-k8s',
    'RoleBinding tandem-test-to-kubernetes',
  ];
  assert.deepEqual(namesOf(chart), sorted(everything, added));
  const there = chart.objects.filter(({ metadata }) => metadata.namespace === 'from-consul');
  assert.deepEqual(
    namesOf({ ...chart, objects: there }),
    added.filter((name) => name.startsWith('Role')),
  );
  const same = await renderChart({ global: { owner: 'one' }, syncCatalog: { toK8S: true } });
  assert.equal(same.one('Role', 'tandem-sync-to-k8s').metadata.namespace, 'tandem');
});

test('the test of Services from Consul is there when it can register one that comes through', async () => {
  const isThere = async (syncCatalog: object): Promise<boolean> => {
    const values = { global: { owner: 'one' }, syncCatalog: { toK8S: true, ...syncCatalog } };
    return (await renderChart(values)).has('Pod', 'tandem-test-to-kubernetes');
  };
  const aclSyncToken = { secretName: 'token' };
  assert.deepEqual(
    await Promise.all(
      [
        { toK8STag: 'shared' },
        { aclSyncToken },
        { toConsul: false },
        { toConsul: false, aclSyncToken },
        { authMethod: 'sync' },
        { toK8SServices: ['shop-*'] },
        { toK8SFilter: 'ServiceMeta.team == "a"' },
      ].map(isThere),
    ),
    [true, true, true, false, false, false, false],
  );
});

test('clients join the servers of the chart, those elsewhere, or what the values name', async () => {
  const joined = async (values: object): Promise<readonly unknown[]> => {
    const data = at((await renderChart(values)).one('ConfigMap', 'tandem-client'), 'data') as Record<
      string,
      string
    >;
    const { retry_join, retry_interval } = JSON.parse(data['client.json'] ?? '') as Record<string, unknown>;
    return [retry_join, retry_interval];
  };
  // An agent that is there before its servers asks again soon, but not the API of a cloud.
  assert.deepEqual(await joined({}), [['tandem-server.tandem.svc:8301'], '2s']);
  const elsewhere = { server: { enabled: false }, externalServers: { enabled: true, hosts: ['a', 'b'] } };
  assert.deepEqual(await joined(elsewhere), [['a', 'b'], '2s']);
  const join = ['provider=aws tag_key=consul tag_value="a server"'];
  assert.deepEqual(await joined({ ...elsewhere, client: { join } }), [join, undefined]);
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
  const ipv6 = { ...externalServers, hosts: ['fd00::1'] };
  assert.equal(await address({ externalServers: ipv6 }), 'http://[fd00::1]:8500');
  const tls = { enabled: true, caCert: { secretName: 'ca' } };
  assert.equal(await address({ externalServers, global: { tls } }), 'https://a:443,https://b:443');
});

test('names come from the release, or from global.name', async () => {
  const prefixes = async (release: string, values: object = {}): Promise<readonly string[]> => {
    const { objects } = await renderChart(values, { name: release, namespace: 'mesh' });
    const of = (name = ''): string => name.replace(/-test-[a-z]+$|-server-ready$|-[a-z]+$/, '');
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
