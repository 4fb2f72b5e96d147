/** What `tandem check` says of a real cluster: its rights, the webhook as the API server calls it, and its Services. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateCa } from '../../../src/certificates/generate.ts';
import { startEmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { MERGE_PATCH, type KubernetesObject } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startWebhook } from '../harness/webhook.ts';
import { tandemCheck, type Checked } from '../harness/tandem-check.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl']);
const api = await startApiServer(scene);
const consul = await startEmbeddedConsul();
scene.atEnd(() => consul.close());
await api.admin.request('POST', '/api/v1/namespaces/default/serviceaccounts', {
  metadata: { name: 'default' },
});
const NAME = 'tandem-webhook-default';
const CONFIGURATION = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${NAME}`;
const ROLES = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
const DAY = 24 * 60 * 60 * 1000;

function check(flags: readonly string[] = [], kubeconfig = api.kubeconfig()): Promise<Checked> {
  return tandemCheck([`--kubeconfig=${kubeconfig}`, `--consul-http-addr=${consul.url}`, ...flags]);
}

/** A kubeconfig whose server is another one. */
function kubeconfigOf(server: string): string {
  const path = join(scene.folder, `kubeconfig-${server.replaceAll(/\W/g, '-')}`);
  writeFileSync(path, readFileSync(api.kubeconfig(), 'utf8').replaceAll(api.url, server), { mode: 0o600 });
  return path;
}

test('without a webhook configuration there is a warning, and the way to get one', async () => {
  const checked = await check();
  assert.deepEqual(checked.of('webhook'), [
    'warning: there is no MutatingWebhookConfiguration tandem-webhook: nothing is injected → to inject pods, run kubectl apply -k deploy/manifests',
  ]);
  assert.match(
    checked.of('api-server').join(),
    /^ok: https:.* answers, Kubernetes 1\.34, with native sidecars$/,
  );
  assert.deepEqual(checked.of('rights'), ['ok: all 13 rules for webhook, sync are granted']);
  assert.match(checked.of('owner').join(), /^ok: this cluster is [0-9a-f]{8} in Consul$/);
  assert.deepEqual(checked.of('names'), ['ok: the names of 0 synced Services are all different']);
});

test('an administrator with a client certificate has all rights as well', async () => {
  const pair = await api.userPair('person', 'system:masters');
  const checked = await check([], api.kubeconfig(pair));
  assert.match(checked.of('api-server').join(), /^ok: /);
  assert.deepEqual(checked.of('rights'), ['ok: all 13 rules for webhook, sync are granted']);
});

test('an account without rights: each missing rule is named, and with them all is well', async () => {
  const token = await api.serviceAccountToken('default', 'default');
  const kubeconfig = api.kubeconfig({ token });
  const before = await check([], kubeconfig);
  assert.deepEqual(before.of('rights').toSpliced(7, 4), [
    'failure: webhook: this account may not list or watch or update secrets in default → add {apiGroups: [""], resources: [secrets], resourceNames: [tandem-webhook-tls], verbs: [list, watch, update]} to a Role of it in default',
    'failure: webhook: this account may not create secrets in default → add {apiGroups: [""], resources: [secrets], verbs: [create]} to a Role of it in default',
    'failure: webhook: this account may not get or update leases in default → add {apiGroups: ["coordination.k8s.io"], resources: [leases], resourceNames: [tandem-webhook-tls], verbs: [get, update]} to a Role of it in default',
    'failure: webhook: this account may not create leases in default → add {apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [create]} to a Role of it in default',
    'failure: webhook: this account may not list or watch or patch mutatingwebhookconfigurations → add {apiGroups: ["admissionregistration.k8s.io"], resources: [mutatingwebhookconfigurations], resourceNames: [tandem-webhook], verbs: [list, watch, patch]} to a ClusterRole of it',
    'failure: sync: this account may not list or watch services → add {apiGroups: [""], resources: [services], verbs: [list, watch]} to a ClusterRole of it',
    'failure: sync: this account may not list or watch endpointslices → add {apiGroups: ["discovery.k8s.io"], resources: [endpointslices], verbs: [list, watch]} to a ClusterRole of it',
    'failure: sync: this account may not create leases in default → add {apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [create]} to a Role of it in default',
  ]);
  assert.match(before.of('names').join(), /^failure: the Services cannot be listed: .*status 403/);
  assert.match(before.of('owner').join(), /^failure: cannot read the namespace kube-system/);
  assert.match(
    before.of('webhook').join(),
    /^warning: the configuration tandem-webhook cannot be read: .*403/,
  );
  assert.equal(before.code, 1);
  const rules = [
    { apiGroups: [''], resources: ['services', 'nodes'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
    { apiGroups: [''], resources: ['namespaces'], resourceNames: ['kube-system'], verbs: ['get'] },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
  ];
  await api.admin.expect('POST', ROLES, { metadata: { name: 'sync' }, rules });
  await api.admin.expect('POST', ROLES.replace('roles', 'rolebindings'), {
    metadata: { name: 'sync' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'sync' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'default' }],
  });
  await eventually('the rights', async () => {
    const after = await check(['--account=sync'], kubeconfig);
    assert.deepEqual(after.of('rights'), ['ok: all 7 rules for sync are granted']);
    assert.deepEqual(after.of('webhook'), []);
    assert.match(after.of('names').join(), /^ok/);
  });
});

test('the directions that are off, and the webhook, need nothing', async () => {
  const token = await api.serviceAccountToken('default', 'default');
  const kubeconfig = api.kubeconfig({ token });
  const fromConsul = ['--to-consul=false', '--to-k8s', '--k8s-write-namespace=shop', '--registrar'];
  const checked = await check(['--account=sync', ...fromConsul], kubeconfig);
  assert.deepEqual(checked.of('rights'), [
    'failure: registrar: this account may not list or watch pods → add {apiGroups: [""], resources: [pods], verbs: [list, watch]} to a ClusterRole of it',
    'failure: to-k8s: this account may not create or patch or delete services in shop → add {apiGroups: [""], resources: [services], verbs: [list, watch, create, patch, delete]} to a Role of it in shop',
    'failure: to-k8s: this account may not create or patch or delete endpointslices in shop → add {apiGroups: ["discovery.k8s.io"], resources: [endpointslices], verbs: [list, watch, create, patch, delete]} to a Role of it in shop',
    'failure: to-k8s: this account may not list or watch servicecidrs → add {apiGroups: ["networking.k8s.io"], resources: [servicecidrs], verbs: [list, watch]} to a ClusterRole of it',
  ]);
  assert.deepEqual(checked.of('names'), []);
  const webhook = await check(['--account=webhook', '--tls-auto-secret='], kubeconfig);
  assert.deepEqual(webhook.of('rights'), ['ok: all 1 rules for webhook are granted']);
  assert.deepEqual([webhook.of('owner'), webhook.of('consul')], [[], []]);
});

test('further rights only where they are needed', async () => {
  const token = await api.serviceAccountToken('default', 'default');
  const flags = ['--enable-ingress', '--consul-http-addr=provider=k8s namespace=consul'];
  const checked = await check(flags, api.kubeconfig({ token }));
  assert.match(checked.of('rights').join('\n'), /list or watch ingresses → /);
  assert.match(
    checked.of('rights').join('\n'),
    /list or watch pods in consul → .* to a Role of it in consul/,
  );
  assert.match(checked.of('consul').join(), /^failure: GET \/api\/v1\/namespaces\/consul\/pods: status 403/);
});

test('two Services of one name in Consul', async () => {
  await api.createNamespace('other');
  const spec = { type: 'ExternalName', externalName: 'web.example.com', ports: [{ port: 80 }] };
  await clusterObjects(api).service('web', spec);
  await clusterObjects(api, 'other').service('web', spec);
  const checked = await check();
  assert.match(
    checked.of('names').join('\n'),
    /^failure: "web" is the name of Service\/default\/web and Service\/other\/web, .* → give them different names with the annotation/,
  );
  const apart = await check(['--add-k8s-namespace-suffix']);
  assert.match(apart.of('names').join(), /^ok/);
});

const PREFIX = 'consul.hashicorp.com/';

/** A pod that runs on the node, as a kubelet would report it. */
async function podOn(
  nodeName: string,
  namespace: string,
  name: string,
  metadata: object,
  isReady: boolean,
  resources = {},
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const spec = { nodeName, containers: [{ name: 'consul-dataplane', image: 'none', resources }] };
  await api.admin.expect('POST', path, { metadata: { name, ...metadata }, spec });
  const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False' }];
  await api.admin.expect(
    'PATCH',
    `${path}/${name}/status`,
    { status: { phase: 'Running', conditions } },
    MERGE_PATCH,
  );
}

test('transparent proxy: redirectors, labels of namespaces, limits of sidecars and the domain of Consul', async () => {
  const none = await check();
  assert.match(none.of('redirectors').join(), /^warning: there is no redirector in the namespace default: /);
  assert.deepEqual(none.of('namespace-labels'), ['ok: every label of ours on a namespace has an effect']);
  assert.match(none.of('consul-dns').join(), /^warning: cannot tell .*configmaps\/coredns: status 404 → /);

  for (const [name, labels, isReady] of [
    ['n1', { 'kubernetes.io/os': 'linux' }, 'True'],
    ['n2', { 'kubernetes.io/os': 'linux' }, 'True'],
    ['n3', { 'kubernetes.io/os': 'windows' }, 'True'],
    ['n4', {}, 'True'],
    ['n5', {}, 'Unknown'],
    ['n6', { type: 'virtual-kubelet' }, 'True'],
    ['n7', { 'eks.amazonaws.com/compute-type': 'fargate' }, 'True'],
  ] as const) {
    await api.admin.expect('POST', '/api/v1/nodes', { metadata: { name, labels } });
    const status = { conditions: [{ type: 'Ready', status: isReady }] };
    await api.admin.expect('PATCH', `/api/v1/nodes/${name}/status`, { status }, MERGE_PATCH);
  }
  for (const [name, labels] of [
    ['tandem', {}],
    ['shop', { [`${PREFIX}transparent-proxy`]: 'yes' }],
    ['dns', { [`${PREFIX}transparent-proxy`]: 'False', [`${PREFIX}consul-dns`]: 'true' }],
  ] as const) {
    await api.createNamespace(name);
    await api.admin.expect('PATCH', `/api/v1/namespaces/${name}`, { metadata: { labels } }, MERGE_PATCH);
  }
  const redirector = {
    labels: { 'app.kubernetes.io/name': 'tandem', 'app.kubernetes.io/component': 'redirector' },
  };
  await podOn('n1', 'tandem', 'redirector-1', redirector, true);
  await podOn('n2', 'tandem', 'redirector-2', redirector, false);
  // Anybody may write that label in a namespace of their own.
  await podOn('n2', 'shop', 'redirector-3', redirector, true);
  const transparent = {
    labels: { [`${PREFIX}connect-inject-status`]: 'injected' },
    annotations: { [`${PREFIX}transparent-proxy-status`]: 'enabled' },
  };
  await podOn('n1', 'shop', 'web', transparent, true, { limits: { memory: '64Mi' } });
  await podOn('n1', 'shop', 'plain', { labels: transparent.labels }, true, { limits: { memory: '1Mi' } });
  const Corefile = '.:53 {\n  forward . /etc/resolv.conf\n}\n';
  const configMaps = '/api/v1/namespaces/kube-system/configmaps';
  await api.admin.expect('POST', configMaps, { metadata: { name: 'coredns' }, data: { Corefile } });
  await api.admin.expect('POST', '/api/v1/namespaces/tandem/services', {
    metadata: {
      name: 'tandem-dns',
      labels: { 'app.kubernetes.io/name': 'consul', 'app.kubernetes.io/component': 'dns' },
    },
    spec: { ports: [{ port: 53, protocol: 'UDP' }] },
  });
  const flags = ['--lease-namespace=tandem'];
  const wrong = await check(flags);
  assert.deepEqual(wrong.of('redirectors'), [
    'failure: no redirector is ready on n2, n4: new transparent pods wait there; nodes that are virtual or not Ready are left out: 3 → see kubectl -n tandem get pods -l app.kubernetes.io/component=redirector -o wide, and describe the one of that node',
  ]);
  assert.match(
    wrong.of('namespace-labels').join('\n'),
    /^warning: the namespace dns has the label consul\.hashicorp\.com\/consul-dns, which is ignored.*\nwarning: the namespace shop has the label consul\.hashicorp\.com\/transparent-proxy="yes", which is not a boolean, so it is ignored[^\n]*$/,
  );
  assert.match(
    wrong.of('consul-dns').join(),
    /^warning: the Corefile of CoreDNS has no server block for the domain "consul".*"forward \. [0-9.]+" and "\}"/,
  );
  assert.equal(wrong.code, 1);

  const ready = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
  await api.admin.expect('PATCH', '/api/v1/namespaces/tandem/pods/redirector-2/status', ready, MERGE_PATCH);
  await api.admin.expect('DELETE', '/api/v1/nodes/n4');
  const withBlock = { data: { Corefile: `${Corefile}mesh:53 {\n  forward . 10.0.0.1\n}\n` } };
  await api.admin.expect('PATCH', `${configMaps}/coredns`, withBlock, MERGE_PATCH);
  const right = await check([...flags, '--consul-domain=mesh', '--redirection=node']);
  assert.deepEqual(right.of('redirectors'), [
    'ok: each of 2 nodes has one that is ready; nodes that are virtual or not Ready are left out: 3',
  ]);
  assert.match(right.of('consul-dns').join(), /^ok: the Corefile of CoreDNS has a server block /);
  assert.deepEqual((await check([...flags, '--redirection=init'])).of('redirectors'), []);
  assert.deepEqual((await check(['--account=sync'])).of('redirectors'), [], 'the catalog sync has no pods');
});

test('transparent proxy: what the account may not read is said, and nothing is well by it', async () => {
  const token = await api.serviceAccountToken('default', 'default');
  await api.createNamespace('away');
  const checked = await check(['--lease-namespace=away'], api.kubeconfig({ token }));
  assert.match(
    checked.of('redirectors').join(),
    /^warning: cannot tell .*(?:status 403|forbidden).* → allow this account/,
  );
  assert.match(
    checked.of('namespace-labels').join(),
    /^warning: cannot tell .*403.* → run tandem check with an account/,
  );
  assert.match(checked.of('consul-dns').join(), /^warning: cannot tell .*403.* → /);
});

test('credentials that the API server does not take', async () => {
  const checked = await check([], api.kubeconfig({ token: 'nobody' }));
  assert.match(checked.of('api-server').join(), /^failure: https:.*status 401.* → use credentials/);
  assert.ok(!checked.stdout.includes('nobody'));
  assert.match(checked.of('consul').join(), /^ok/);
  assert.equal(checked.code, 1);
});

test('an API server that is not there, or says nothing', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  for (const server of ['https://127.0.0.1:1', `https://127.0.0.1:${port}`]) {
    const checked = await check([], kubeconfigOf(server));
    assert.match(
      checked.of('api-server').join(),
      /^failure: .*(?:ECONNREFUSED|no answer within 10 s).* → set --kubeconfig/,
    );
    assert.deepEqual(checked.of('rights'), []);
    assert.match(checked.of('consul').join(), /^ok/);
    assert.equal(checked.code, 1);
  }
  silent.close();
});

test(
  'the webhook: reached, with a CA that is too old, of another, broken, or absent, and gone',
  { timeout: 240_000 },
  async () => {
    // With a certificate from a folder: one that keeps `caBundle` itself would fix what this breaks.
    const webhook = await startWebhook(scene, api, 'default');
    const look = () => check([`--webhook-configuration=${NAME}`]);
    const good = await look();
    assert.match(
      good.of('webhook').join(),
      /^ok: tandem-webhook-default has pods\.inject\.tandem\.dev, transparent-pods\.inject/,
    );
    assert.match(
      good.of('webhook-ca').join('\n'),
      /^ok: pods\.inject\.tandem\.dev, (?:[a-z-]+\.inject\.tandem\.dev(?:, )?){5}: caBundle is valid until [^\n]*$/,
    );
    assert.deepEqual(good.of('webhook-call'), [
      'ok: the API server reaches the webhook and trusts its certificate',
    ]);

    const configuration = (await api.admin.expect('GET', CONFIGURATION)) as KubernetesObject & {
      readonly webhooks: readonly { readonly clientConfig: object }[];
    };
    const publish = async (caBundle: string): Promise<void> => {
      const webhooks = configuration.webhooks.map((entry) => ({
        ...entry,
        clientConfig: { ...entry.clientConfig, caBundle },
      }));
      await api.admin.expect('PATCH', CONFIGURATION, { webhooks }, MERGE_PATCH);
    };
    const publishCa = async (from: number): Promise<void> =>
      publish(Buffer.from((await generateCa(from)).certificate).toString('base64'));

    await publishCa(Date.now() - 400 * DAY);
    await eventually('the old CA', async () => {
      const old = await look();
      assert.match(
        old.of('webhook-ca').join('\n'),
        /^failure: .*no CA in caBundle is valid now; the last one ends at .* → put the CA/,
      );
      assert.match(old.of('webhook-call').join(), /^failure: .*failed calling webhook.*x509.* → put the CA/s);
      assert.equal(old.code, 1);
    });
    await publishCa(Date.now());
    const other = await look();
    assert.match(other.of('webhook-ca').join('\n'), /^ok/);
    assert.match(other.of('webhook-call').join(), /^failure: .*unknown authority.* → put the CA/s);
    await publishCa(Date.now() - 350 * DAY);
    assert.match((await look()).of('webhook-ca').join('\n'), /^warning: .* → renew the CA/);
    await publish('');
    assert.match((await look()).of('webhook-ca').join('\n'), /^failure: .*caBundle is empty/);

    await api.admin.expect('PATCH', CONFIGURATION, { webhooks: configuration.webhooks }, MERGE_PATCH);
    await eventually('the first CA again', async () => {
      assert.match((await look()).of('webhook-call').join(), /^ok/);
    });
    await webhook.stop();
    const gone = await look();
    assert.match(
      gone.of('webhook-call').join(),
      /^failure: .*connection refused.* → make sure that the pods/s,
    );
    assert.equal(gone.code, 1);

    await api.admin.expect('PATCH', CONFIGURATION, { webhooks: [] }, MERGE_PATCH);
    await eventually('a configuration without entries', async () => {
      assert.match((await look()).of('webhook').join(), /^failure: tandem-webhook-default has no entries/);
    });
  },
);
