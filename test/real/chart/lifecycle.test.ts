/** helm against the real API server: install, upgrade from any set of values to any other, uninstall. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { property } from '../../../src/support/json.ts';
import { at, CHART, renderChart, runHelm, WITHOUT_CRDS } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { valueSets } from './value-sets.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'helm']);
const api = await startApiServer(scene);
await api.createNamespace('mesh');
// Of the set that writes to another namespace.
await api.createNamespace('from-consul');
const kubeconfig = api.kubeconfig();
const CONFIGURATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tandem-webhook';

/** What helm prints, NOTES.txt at its end. */
function helm(verb: string, ...args: readonly string[]): Promise<string> {
  // `accepted` has every set validated; here each of the fifty upgrades would spend most of its time on that.
  const flags = verb === 'uninstall' ? [] : ['--disable-openapi-validation'];
  return runHelm([verb, 'tandem', ...args, ...flags, '--namespace=mesh', `--kubeconfig=${kubeconfig}`]);
}

function upgrade(...args: readonly string[]): Promise<string> {
  return helm('upgrade', CHART, WITHOUT_CRDS, ...args);
}

/** What an installation with these values would print. An upgrade takes five times as long, and says the same of them. */
async function notesOf(...args: readonly string[]): Promise<string> {
  const printed = await helm('install', CHART, WITHOUT_CRDS, '--dry-run=client', ...args);
  const [, notes] = printed.split('\nNOTES:\n');
  return notes ?? assert.fail(printed);
}

function valuesOf(set: string): string {
  const file = join(scene.folder, 'values.json');
  writeFileSync(file, JSON.stringify(valueSets[set]));
  return `--values=${file}`;
}

test('an installation tells the next three commands', async () => {
  const notes = await helm('install', CHART);
  assert.match(
    notes,
    /3 Consul servers, a Consul agent on every node, the webhook \(agent mode\), a redirector on every node, the catalog sync, the registrar, as release/,
  );
  assert.match(notes, /global\.owner is empty/);
  assert.match(notes, /helm test tandem --namespace mesh/);
  assert.match(notes, /kubectl label namespace <namespace> consul\.hashicorp\.com\/connect-inject=true/);
  assert.match(notes, /kubectl --namespace mesh exec tandem-server-0 -- consul catalog services/);
  assert.match(
    notes,
    /^ {2}consul:53 \{\n {4}errors\n {4}cache 30\n {4}forward \. <kubectl -n mesh get service tandem-dns -o .*>\n {2}\}$/m,
  );
  assert.match(notes, /Consul is open: without ACLs, whoever reaches it/);
  assert.doesNotMatch(notes, /NOT READY/);
});

test('the bundle that the webhook published survives an upgrade', async () => {
  const caBundle = Buffer.from('CA').toString('base64');
  const { webhooks } = (await api.admin.expect('GET', CONFIGURATION)) as unknown as {
    readonly webhooks: readonly { readonly clientConfig: object }[];
  };
  const published = webhooks.map((each) => ({ ...each, clientConfig: { ...each.clientConfig, caBundle } }));
  await api.admin.expect('PATCH', CONFIGURATION, { webhooks: published }, MERGE_PATCH);
  await upgrade('--set=connectInject.timeoutSeconds=9');
  const after = await api.admin.expect('GET', CONFIGURATION);
  for (const index of published.keys()) {
    assert.equal(at(after, 'webhooks', index, 'timeoutSeconds'), 9);
    assert.equal(at(after, 'webhooks', index, 'clientConfig', 'caBundle'), caBundle);
  }
});

/** What the rendered objects ask for in their lists of ports is what the API server has after the merge. */
async function assertPorts(values: object): Promise<void> {
  const { objects } = await renderChart(values, { name: 'tandem', namespace: 'mesh' });
  for (const { kind = '', metadata, ...rest } of objects) {
    const path = PATHS[kind];
    if (path === undefined) continue;
    const live = await api.admin.expect('GET', `${path}/${metadata.name}`);
    for (const place of [
      ['spec', 'template', 'spec', 'containers', 0, 'ports'],
      ['spec', 'ports'],
    ]) {
      const [wanted, found] = [portsOf(at(rest, ...place)), portsOf(at(live, ...place))];
      assert.deepEqual(found, wanted, `${kind} ${metadata.name}`);
    }
  }
}

const PATHS: Readonly<Record<string, string>> = {
  DaemonSet: '/apis/apps/v1/namespaces/mesh/daemonsets',
  StatefulSet: '/apis/apps/v1/namespaces/mesh/statefulsets',
  Service: '/api/v1/namespaces/mesh/services',
};

function portsOf(list: unknown): readonly unknown[] {
  const ports = Array.isArray(list) ? (list as readonly unknown[]) : [];
  return ports
    .map((port) => {
      const protocol = at(port, 'protocol') ?? 'TCP';
      const number = at(port, 'containerPort') ?? at(port, 'port');
      return [at(port, 'name'), number, protocol, at(port, 'hostPort'), at(port, 'targetPort')].join(' ');
    })
    .toSorted();
}

for (const [set, values] of Object.entries(valueSets))
  test(`an upgrade to: ${set}`, async () => {
    assert.match(await upgrade(valuesOf(set)), /STATUS: deployed/);
    await assertPorts(values);
  });

test('gossip through ports of the nodes is switched on and off by an upgrade, for both protocols', async () => {
  for (const exposeGossipPorts of [false, true, false]) {
    await upgrade(`--set=client.exposeGossipPorts=${exposeGossipPorts}`);
    await assertPorts({ client: { exposeGossipPorts } });
    const daemonSet = await api.admin.expect('GET', `${PATHS['DaemonSet']}/tandem-client`);
    const ports = portsOf(at(daemonSet, 'spec', 'template', 'spec', 'containers', 0, 'ports'));
    const exposed = ports.filter((port) => / 8301 (?:TCP|UDP) 8301 /.test(String(port)));
    assert.equal(exposed.length, exposeGossipPorts ? 2 : 0);
  }
});

test('notes warn of what does not work yet', async () => {
  const external = await notesOf(valuesOf('the sync alone, with an external cluster over TLS'));
  assert.doesNotMatch(external, /Consul is open/);
  assert.match(external, /open http:\/\/localhost:8081/);
  const agents = ['--set=connectInject.proxyMode=agent', '--set=client.enabled=false'];
  const acls = '--set=server.extraConfig.acl.enabled=true';
  const set = ['--set=connectInject.certs.secretName=x', acls, ...agents];
  const notes = await notesOf(...set);
  assert.match(notes, /NOT READY: the API server does not trust the webhook yet/);
  assert.doesNotMatch(notes, /Consul is open/);
  assert.match(notes, /this release starts none, because client\.enabled is off/);
});

test('a secure Consul is reached and left one stage at a time', async () => {
  const to = (secure: string): Promise<string> => upgrade(`--set=global.secure=${secure}`);
  const refused = async (secure: string, text: RegExp): Promise<void> =>
    assert.rejects(to(secure), (error) => {
      assert.match(String(property(error, 'stderr')), text);
      return true;
    });
  await to('false');
  await refused('true', /the agents run off for gossip, and require skips a stage; set it to accept first/);
  await refused('prefer', /the agents run off for acls, and prefer skips a stage; set it to accept first/);
  const notes = await to('accept');
  assert.match(notes, /Of a secure Consul, gossip=accept, tls=accept, acls=accept\./);
  assert.match(notes, /exec deployment\/tandem-secure -- node \/app\/tandem\.js secure --plan$/m);
  assert.match(notes, /get secret tandem-bootstrap-acl-token --output=/);
  assert.doesNotMatch(notes, /Consul is open/);
  await refused(
    'require',
    /the agents run accept for tls, and require skips a stage; set it to prefer first/,
  );
  const prefer = await to('prefer');
  assert.match(prefer, /port-forward service\/tandem-ui 8501:443/);
  assert.match(prefer, /consul catalog services/);
  const required = await to('require');
  assert.doesNotMatch(required, /consul catalog services/);
  assert.match(required, /open http:\/\/localhost:8081/);
  await refused('false', /the agents run require for gossip, and off skips a stage; set it to prefer first/);
  for (const stage of ['prefer', 'accept', 'false']) await to(stage);
});

test('notes say that Consul is open also where nothing, or nothing sensible, is configured', async () => {
  for (const config of ['{}', '{"acl":true}', '{"acl":{"enabled":false}}'])
    assert.match(await notesOf(`--set-json=server.extraConfig=${config}`), /Consul is open/);
  const listed = await notesOf('--set-json=server.extraConfig={"acl":[{"enabled":true}]}');
  assert.doesNotMatch(listed, /Consul is open/);
});

test('notes tell the policy of the token, for what is on', async () => {
  const policyOf = async (...set: readonly string[]): Promise<readonly string[]> => {
    const token = '--set=syncCatalog.aclSyncToken.secretName=x';
    const notes = await notesOf(token, ...set.map((each) => `--set=${each}`));
    return notes.match(/^ {2}(?:node|service|acl)\S* .*$/gm) ?? [];
  };
  const dataplane = ['client.enabled=false', 'global.owner=east', 'connectInject.overrideAuthMethodName=k8s'];
  assert.deepEqual(await policyOf(...dataplane), [
    '  node "k8s-sync-east" { policy = "write" }',
    '  node_prefix "k8s-east-" { policy = "write" }',
    '  node_prefix "" { policy = "read" }',
    '  service_prefix "" { policy = "write" }',
    '  acl = "write"    (to delete the tokens of pods that are gone; optional)',
  ]);
  assert.deepEqual(await policyOf('registrar.enabled=false'), [
    '  node "k8s-sync-<owner>" { policy = "write" }',
    '  service_prefix "" { policy = "write" }',
  ]);
  const fromConsul = [
    'global.owner=east',
    'registrar.enabled=false',
    'syncCatalog.toConsul=false',
    'syncCatalog.toK8S=true',
  ];
  assert.deepEqual(await policyOf(...fromConsul), [
    '  node_prefix "" { policy = "read" }',
    '  service_prefix "" { policy = "read" }',
  ]);
});

test('notes tell the mode of the pods, and where the Services of Consul are', async () => {
  const set = ['--set=client.enabled=false', '--set=syncCatalog.toK8S=true'];
  const notes = await notesOf(...set);
  assert.match(
    notes,
    /the webhook \(dataplane mode\), a redirector on every node, the catalog sync in both directions, the registrar,/,
  );
  assert.match(
    notes,
    /become Services in namespace mesh, next to those of this release\. Better use another namespace/,
  );
  assert.doesNotMatch(notes, /client\.enabled is off|global\.owner is empty/);
});

test('notes tell after a change of mode, and only then, to restart the workloads', async () => {
  const told: boolean[] = [];
  for (const mode of ['agent', 'agent', 'dataplane', 'dataplane'])
    told.push(
      (await upgrade(`--set=connectInject.proxyMode=${mode}`)).includes(
        `The mode was changed to ${mode}. Existing pods keep`,
      ),
    );
  assert.deepEqual(told.slice(1), [false, true, false]);
});

test("a parent chart's own globals are taken, and what looks like one of ours is told", async () => {
  const folder = join(scene.folder, 'parent');
  mkdirSync(join(folder, 'charts'), { recursive: true });
  cpSync(CHART, join(folder, 'charts/tandem'), { recursive: true });
  writeFileSync(
    join(folder, 'Chart.yaml'),
    JSON.stringify({ apiVersion: 'v2', name: 'platform', version: '0.1.0' }),
  );
  const flags = [
    '--namespace=mesh',
    `--kubeconfig=${kubeconfig}`,
    '--render-subchart-notes',
    '--dry-run=server',
  ];
  const globals = ['environmentName=production', 'datacentre=x', 'tls.caCert.name=ca'].map(
    (each) => `--set=global.${each}`,
  );
  const other = ['install', 'mesh', folder, ...flags, ...globals];
  await assert.rejects(
    runHelm(other),
    /installCRDs: these CRDs .* not of this release: .*meshes \(of release tandem in namespace mesh\).*configEntries\.enabled=false/,
  );
  const notes = await runHelm([...other, '--set=tandem.configEntries.enabled=false']);
  assert.match(
    notes,
    /if they were meant for it:\nglobal\.datacentre, which looks like global\.datacenter: .*\nglobal\.tls\.caCert\.name, which is not known: .*\n*$/,
  );
});

test('an uninstallation leaves nothing that was rendered', async () => {
  await helm('uninstall');
  for (const path of [
    CONFIGURATION,
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/tandem-sync',
    '/apis/apps/v1/namespaces/mesh/deployments/tandem-webhook',
  ])
    assert.equal((await api.admin.request('GET', path)).status, 404, path);
  // With all objects of them, and so with the rules of the mesh.
  await api.admin.expect(
    'GET',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/serviceintentions.consul.hashicorp.com',
  );
});
