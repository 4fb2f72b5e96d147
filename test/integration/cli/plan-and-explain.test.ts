/** `tandem plan` and `tandem explain` on files, against a catalog that answers as Consul does. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startEmbeddedConsul, type EmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { injectedPod } from '../../unit/catalog/mesh/injected-pods.ts';
import { runInProcess } from './in-process.ts';
import { runTandem } from './tandem-process.ts';

let folder: string;
let consul: EmbeddedConsul;
let flags: readonly string[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-plan-'));
  consul = await startEmbeddedConsul();
  flags = [`--consul-http-addr=${consul.url}`, '--owner=c1'];
  await writeFile(
    join(folder, 'web.yaml'),
    `kind: Service
metadata:
  name: web
  annotations: {consul.hashicorp.com/service-weight: heavy}
spec: {type: ClusterIP, ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
ports: [{port: 8080}]
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2], conditions: {ready: false}}]
---
kind: Service
metadata: {name: hidden, annotations: {consul.hashicorp.com/service-sync: "false"}}
spec: {ports: [{port: 80}]}
`,
  );
});
after(async () => {
  await consul.close();
  await rm(folder, { recursive: true });
});

test('a plan lists what would change and exits with 3, and nothing is written', async () => {
  for (const run of [runTandem, runInProcess]) {
    const { code, stdout } = await run(['plan', folder, ...flags]);
    assert.equal(code, 3);
    assert.match(stdout, /^\+ register {2}web {2}10\.0\.0\.[12]:8080 {2}Service\/default\/web$/m);
    assert.match(stdout, /^! Service\/default\/web: consul\.hashicorp\.com\/service-weight: "heavy"/m);
    assert.match(stdout, /^2 to register, 0 to update, 0 to deregister, 0 unchanged, 0 of other owners$/m);
  }
});

test('a Service of which nothing is registered says why, and IPv6 addresses are in brackets', async () => {
  const file = join(folder, 'empty.yaml');
  await writeFile(
    file,
    `kind: Service
metadata: {name: lone}
spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}
---
kind: EndpointSlice
metadata: {name: lone-1, labels: {kubernetes.io/service-name: lone}}
ports: [{port: 8080}]
endpoints: [{addresses: ["fd00::7"], nodeName: node-9}]
---
kind: Service
metadata: {name: six}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: six-1, labels: {kubernetes.io/service-name: six}}
ports: [{port: 8080}]
endpoints: [{addresses: ["fd00::8"]}]
`,
  );
  const { stdout } = await runInProcess(['plan', file, ...flags]);
  assert.match(
    stdout,
    /^\. Service\/default\/lone: nothing to register: the node is not known, or not yet$/m,
  );
  const json = JSON.parse((await runInProcess(['plan', file, ...flags, '--output=json'])).stdout) as {
    without: unknown;
  };
  assert.deepEqual(json.without, [{ source: 'Service/default/lone', reasons: ['unknown-node'] }]);
  const six = await runInProcess(['explain', 'service', 'default/six', file, ...flags]);
  assert.match(six.stdout, /^ {2}instance {5}six \[fd00::8\]:8080 passing/m);
  await rm(file);
});

test('the settings that made the names are told, and that Consul has others', async () => {
  const suffixed = [...flags, '--add-k8s-namespace-suffix', '--consul-service-prefix=k-'];
  const said = 'names by --consul-service-prefix=k- --add-k8s-namespace-suffix=true --multi-port=default';
  const first = await runInProcess(['plan', folder, ...suffixed]);
  assert.match(first.stderr, new RegExp(`^tandem plan: ${said}, as owner c1 on node k8s-sync-c1$`, 'm'));
  const explained = await runInProcess(['explain', 'service', 'default/web', folder, ...suffixed]);
  assert.match(
    explained.stderr,
    new RegExp(`^tandem explain: ${said}, as owner c1 on node k8s-sync-c1$`, 'm'),
  );

  const { register } = JSON.parse(
    (await runInProcess(['plan', folder, ...suffixed, '--output=json'])).stdout,
  ) as {
    readonly register: readonly Readonly<Record<'id' | 'name' | 'address' | 'port' | 'meta', unknown>>[];
  };
  const there = { Node: 'k8s-sync-c1', Address: '127.0.0.1' };
  for (const { id: ID, name: Service, address: Address, port: Port, meta: Meta } of register)
    await put('register', { ...there, Service: { ID, Service, Address, Port, Meta } });
  const others = /; Consul has other names for 1 Service of this owner: /;
  for (const command of [
    ['plan', folder],
    ['explain', 'service', 'default/web', folder],
  ]) {
    assert.match((await runInProcess([...command, ...flags])).stderr, others, command.join(' '));
    assert.doesNotMatch((await runInProcess([...command, ...suffixed])).stderr, others);
  }
  await put('deregister', there);

  async function put(what: string, body: object): Promise<void> {
    const init = { method: 'PUT', body: JSON.stringify(body) };
    assert.equal((await fetch(`${consul.url}/v1/catalog/${what}`, init)).status, 200);
  }
});

test('as JSON it is for machines, and the policy holds', async () => {
  const { stdout } = await runInProcess(['plan', folder, ...flags, '--output=json', '--not-ready=omit']);
  const plan = JSON.parse(stdout) as { register: { address: string }[]; problems: { reason: string }[] };
  assert.deepEqual(
    [plan.register.map(({ address }) => address), plan.problems.map(({ reason }) => reason)],
    [['10.0.0.1'], ['invalid-weight']],
  );
});

test('an explanation names rule, annotation, instances and problems', async () => {
  const { code, stdout } = await runInProcess(['explain', 'service', 'default/web', folder, ...flags]);
  assert.equal(code, 0);
  for (const line of [
    /^Service\/default\/web: synced$/m,
    /^ {2}rule {9}default-on: /m,
    /^ {2}annotation {3}consul\.hashicorp\.com\/service-weight: "heavy"$/m,
    /^ {2}instance {5}web 10\.0\.0\.2:8080 critical {2}not in Consul yet$/m,
    /^ {2}problem {6}consul\.hashicorp\.com\/service-weight: /m,
  ])
    assert.match(stdout, line);
  const hidden = await runInProcess(['explain', 'service', 'default/hidden', folder, ...flags]);
  assert.match(
    hidden.stdout,
    /^Service\/default\/hidden: not synced\n {2}rule {9}opted-out: service-sync is false$/m,
  );
});

test('without Consul the rules are explained all the same', async () => {
  const nobody = ['--consul-http-addr=127.0.0.1:1', '--owner=c1'];
  const { code, stdout, stderr } = await runInProcess([
    'explain',
    'service',
    'default/web',
    folder,
    ...nobody,
  ]);
  assert.equal(code, 0);
  assert.match(stderr, /Consul was not asked: /);
  assert.match(stdout, /Consul was not asked/);
  assert.equal((await runInProcess(['plan', folder, ...nobody])).code, 1, 'a plan without Consul is none');
});

test('what is not there, or is no name, is said', async () => {
  const missing = await runInProcess(['explain', 'service', 'default/nope', folder, ...flags]);
  assert.deepEqual([missing.code, missing.stderr], [1, 'tandem explain: there is no Service default/nope\n']);
  const misused = await runInProcess(['explain', 'web']);
  assert.equal(misused.code, 2);
  assert.match(misused.stderr, /"web" is not "service NAMESPACE\/NAME"/);
  await writeFile(join(folder, 'broken.yaml'), 'a: [\n');
  const broken = await runInProcess(['plan', folder, ...flags]);
  assert.equal(broken.code, 65);
  assert.match(broken.stderr, /broken\.yaml:\d+:\d+: /);
  await rm(join(folder, 'broken.yaml'));
});

test('a pod: whether it was injected, how it stands in Consul, and what to do', async () => {
  const file = join(folder, 'pods.yaml');
  const asked = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'asked', annotations: { 'consul.hashicorp.com/connect-inject': 'true' } },
    spec: { containers: [{ name: 'web' }] },
  };
  const injected = { apiVersion: 'v1', kind: 'Pod', ...injectedPod() };
  const redirected = {
    apiVersion: 'v1',
    kind: 'Pod',
    ...injectedPod({
      name: 'web-1',
      labels: { app: 'shop' },
      flags: ['--transparent-proxy', '--redirection=node'],
      annotations: { 'transparent-proxy-exclude-outbound-ports': '8200, 5432' },
      container: { livenessProbe: { httpGet: { port: 8080, path: '/healthz' } } },
    }),
  };
  const shop = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop', namespace: 'default' },
    spec: {
      selector: { app: 'shop' },
      clusterIP: '10.96.0.1',
      ports: [
        { port: 90, targetPort: 9090 },
        { port: 80, targetPort: 8080 },
      ],
    },
  };
  const pods = [asked, injected, redirected, shop].map((pod) => `${JSON.stringify(pod)}\n`);
  await writeFile(file, pods.join('---\n'));
  const explain = (name: string, ...more: string[]) =>
    runInProcess(['explain', 'pod', `default/${name}`, file, ...flags, '--owner=c1', ...more]);
  assert.match(
    (await explain('asked')).stdout,
    /^Pod\/default\/asked: not injected\n {2}rule .*\n {2}fix .*"tandem check"/,
  );
  assert.match(
    (await explain('asked', '--deny-namespaces=default')).stdout,
    /\n {2}rule {9}namespace-denied: /,
  );
  const { code, stdout } = await explain('web-0');
  assert.equal(code, 0);
  for (const line of [
    /^Pod\/default\/web-0: injected, dataplane mode$/m,
    /^ {2}rule {9}registered: /m,
    /^ {2}redirection {2}off, because nothing asks for it$/m,
    /^ {2}annotation {3}consul\.hashicorp\.com\/connect-service: "web"$/m,
    /^ {2}instance {5}default.web-0.web 10\.1\.0\.1:8080 {2}not in Consul yet$/m,
    /^ {2}instance {5}default.web-0.web-sidecar-proxy 10\.1\.0\.1:20000 {2}not in Consul yet$/m,
  ])
    assert.match(stdout, line);
  const transparent = (await explain('web-1')).stdout;
  for (const line of [
    /^ {2}redirection {2}on, by --transparent-proxy; the redirector of its node writes the rules$/m,
    /^ {2}excluded {5}outbound ports 8200, 5432 {2}by consul\.hashicorp\.com\/transparent-proxy-exclude-outbound-ports$/m,
    /^ {2}probe {8}web livenessProbe: port 8080, asked at port 20300$/m,
    /^ {2}address {6}10\.96\.0\.1:90 of shop, the only one with an address that selects the pod {2}service: the Service that selects the pod$/m,
    /^ {2}address {8}SeveralPorts: in the mesh every port of the Service default\/shop leads to the one port/m,
  ])
    assert.match(transparent, line);
  const json = JSON.parse((await explain('web-0', '--output=json')).stdout) as {
    registration: { uid: string };
  };
  assert.equal(json.registration.uid, 'uid-of-web-0');
  const withoutOwner = await runInProcess(['explain', 'pod', 'default/web-0', file]);
  assert.match(withoutOwner.stdout, /^ {2}rule {9}registered: /m);
  assert.match(
    (await explain('web-0')).stderr,
    /^tandem explain: names by --service-names=auto --pod-auth-method= --require-pod-login=true$/m,
  );
  const missing = await explain('nope');
  assert.deepEqual([missing.code, missing.stderr], [1, 'tandem explain: there is no pod default/nope\n']);
  await rm(file);
});

test('config entries are planned and explained, from files, and only where it is asked for', async () => {
  const file = join(folder, 'entries.yaml');
  const api = 'apiVersion: consul.hashicorp.com/v1alpha1';
  await writeFile(
    file,
    `${api}
kind: ServiceRouter
metadata: {name: web}
spec: {routes: [{match: {http: {pathPrefix: /api}}, destination: {service: api}}]}
---
${api}
kind: ServiceDefaults
metadata: {name: api, namespace: shop}
spec: {protocol: http}
---
${api}
kind: ServiceDefaults
metadata: {name: broken}
spec: {protocol: htp}
`,
  );
  const { code, stdout } = await runInProcess(['plan', file, ...flags, '--config-entries']);
  assert.equal(code, 3);
  assert.match(
    stdout,
    /^\+ create +service-defaults api +missing +shop\/api\n\+ create +service-router web +missing +default\/web$/m,
  );
  assert.match(stdout, /^! ServiceDefaults\/default\/broken: InvalidSpec: spec\.protocol: "htp" /m);
  assert.match(stdout, /^config entries: 2 to create, .*, 1 without effect$/m);
  const { configEntries } = JSON.parse(
    (await runInProcess(['plan', file, ...flags, '--config-entries', '--output=json'])).stdout,
  ) as { configEntries: { changes: { action: string; entry: string }[] } };
  assert.deepEqual(
    configEntries.changes.map(({ action, entry }) => `${action} ${entry}`),
    ['create api', 'create web'],
  );
  const catalogOnly = await runInProcess(['plan', file, ...flags]);
  assert.deepEqual([catalogOnly.code, catalogOnly.stdout.includes('config entries')], [0, false]);

  const explained = await runInProcess([
    'explain',
    'config-entry',
    'ServiceDefaults/shop/api',
    file,
    ...flags,
  ]);
  assert.equal(explained.code, 0);
  for (const line of [
    /^ServiceDefaults\/shop\/api: pending$/m,
    /^ {2}entry {8}service-defaults api$/m,
    /^ {2}in Consul {4}no such entry is known$/m,
    /^ {2}change {7}create: missing$/m,
    /^ {2}named in {5}ServiceRouter\/default\/web: spec\.routes\[0\]\.destination\.service$/m,
  ])
    assert.match(explained.stdout, line);
  const broken = await runInProcess([
    'explain',
    'config-entry',
    'ServiceDefaults/default/broken',
    file,
    ...flags,
  ]);
  assert.match(broken.stdout, /^ {2}problem {6}refused: spec\.protocol: /m);
  for (const [operand, told] of [
    ['ServiceDefaults/shop/nope', 1],
    ['shop/api', 2],
  ] as const)
    assert.equal((await runInProcess(['explain', 'config-entry', operand, file, ...flags])).code, told);
});

test('an object that is in the files twice is told, with both places, and the last one counts', async () => {
  const [one, two] = [join(folder, 'twice/1.yaml'), join(folder, 'twice/2.yaml')];
  await mkdir(join(folder, 'twice'));
  const text = 'kind: Service\nmetadata: {name: twin}\nspec: {ports: [{port: 80}]}\n';
  await writeFile(one, text);
  await writeFile(two, `---\n${text}---\nkind: Pod\nmetadata: {name: lone}\n`);
  const said = new RegExp(`Service default/twin is in ${one}:1 and ${two}:2; only the last one counts`);
  for (const command of [
    ['plan', one, two],
    ['explain', 'service', 'default/twin', one, two],
    ['explain', 'pod', 'default/lone', one, two],
  ])
    assert.match((await runInProcess([...command, ...flags])).stderr, said, command.join(' '));
});
