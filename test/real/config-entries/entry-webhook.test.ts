/** Config entries before they are stored: the webhook with the configuration, the flags and the rights that the chart renders. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { property } from '../../../src/support/json.ts';
import { startReplica as startRotating, stepsOf } from '../certificates/replicas.ts';
import { MERGE_PATCH, type Answer, type KubernetesObject } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { at, renderChart } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { runKubectl, startReplica } from '../harness/shipped-manifests.ts';
import { entryScene } from './entry-scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'kubectl', 'helm']);
const api = await startApiServer(scene);
const { installCrds, serviceIntentions } = entryScene(api, {
  url: '',
  call: () => Promise.reject(new Error()),
});
const [port = 0, status = 0] = await freePorts(2);
const GROUP = '/apis/admissionregistration.k8s.io/v1';
const INTENTIONS = '/apis/consul.hashicorp.com/v1alpha1/namespaces/default/serviceintentions';
const BROKEN = {
  destination: { name: 'web' },
  sources: [
    { name: 'a', action: 'alow' },
    { name: 'b', permissions: [{ action: 'deny', http: { pathRegex: '(?=x)' } }] },
    { name: '', action: 'deny' },
  ],
};

const chart = await renderChart({
  global: { enabled: false },
  externalServers: { enabled: true, hosts: ['127.0.0.1'] },
  connectInject: { enabled: true },
});
const SHIPPED =
  /^(?:(?:Mutating|Validating)WebhookConfiguration|ValidatingAdmissionPolicy(?:Binding)?|(?:Cluster)?Role(?:Binding)?|ServiceAccount)$/;

await api.createNamespace('tandem');
await installCrds([serviceIntentions]);
await api.admin.expect('POST', INTENTIONS, intentions('stored', BROKEN));
const file = join(scene.folder, 'shipped.json');
const items = chart.objects
  .filter(({ kind = '', metadata }) => SHIPPED.test(kind) && metadata.name === 'tandem-webhook')
  .map((object) => onLoopback(object, port));
writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
await runKubectl(api, ['apply', '-f', file]);
const kubeconfig = api.kubeconfig({ token: await api.serviceAccountToken('tandem', 'tandem-webhook') });
const webhook = await startReplica(scene, {
  port,
  status,
  kubeconfig,
  deployment: deploymentArguments(),
  flags: ['--owner=one'],
});

function intentions(name: string, spec: object): object {
  const apiVersion = 'consul.hashicorp.com/v1alpha1';
  return { apiVersion, kind: 'ServiceIntentions', metadata: { name, namespace: 'default' }, spec };
}

/** The API server has no network of Services, so it calls by URL. */
function onLoopback(object: KubernetesObject, onPort: number): object {
  const webhooks = object['webhooks'];
  if (!Array.isArray(webhooks)) return object;
  const byUrl = webhooks.map((entry: object) => {
    const url = `https://127.0.0.1:${onPort}${String(at(entry, 'clientConfig', 'service', 'path'))}`;
    return { ...entry, clientConfig: { url } };
  });
  return { ...object, webhooks: byUrl };
}

function deploymentArguments(): readonly string[] {
  const deployment = chart.one('Deployment', 'tandem-webhook');
  const args = at(deployment, 'spec', 'template', 'spec', 'containers', 0, 'args') as readonly string[];
  return args.filter((flag) => !/^--(?:shutdown-delay|owner|consul-ca)/.test(flag));
}

async function bundle(kind: 'mutating' | 'validating', name = 'tandem-webhook'): Promise<string> {
  const found = await api.admin.expect('GET', `${GROUP}/${kind}webhookconfigurations/${name}`);
  return String(at(found, 'webhooks', 0, 'clientConfig', 'caBundle'));
}

async function admissions(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${status}/metrics`)).text();
  const counts = [...text.matchAll(/^tandem_admissions_total\{[^}]*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

const messageOf = ({ body }: Answer): string => String(property(body, 'message'));

test('the CA is in both configurations, by the rights of the chart, and every problem is in one answer', async () => {
  const denied = await eventually('the API server asks', async () => {
    const answer = await api.admin.request('POST', INTENTIONS, intentions('new', BROKEN));
    assert.equal(answer.status, 422, JSON.stringify(answer.body));
    return answer;
  });
  assert.equal(await bundle('validating'), await bundle('mutating'));
  assert.match(
    messageOf(denied),
    /"config-entries.validate.tandem.dev" denied the request: spec.sources\[0\].action: "alow" must be "allow" or "deny"; spec.sources\[2\].name: is required$/,
  );
  assert.match(denied.warnings.join('\n'), /sources\[1\].permissions\[0\].http.pathRegex: .*RE2/);
});

test('what changes no spec never reaches it, whatever is stored', async () => {
  const before = await admissions();
  const path = `${INTENTIONS}/stored`;
  const patch = (body: object, to = path): Promise<KubernetesObject> =>
    api.admin.expect('PATCH', to, body, MERGE_PATCH);
  await patch({ metadata: { labels: { a: 'b' }, finalizers: ['example.com/kept'] } });
  await patch({ status: { conditions: [] } }, `${path}/status`);
  await api.admin.expect('DELETE', path);
  // It is being deleted, and so its spec does not count any more.
  await patch({ spec: { sources: [] } });
  await patch({ metadata: { finalizers: null } });
  assert.equal((await api.admin.request('GET', path)).status, 404);
  assert.equal(await admissions(), before);
  const good = { destination: { name: 'web' }, sources: [{ name: 'a', action: 'allow' }] };
  await api.admin.expect('POST', INTENTIONS, intentions('good', good));
  const worse = await api.admin.request(
    'PATCH',
    `${INTENTIONS}/good`,
    { spec: { sources: [] } },
    MERGE_PATCH,
  );
  assert.match(messageOf(worse), /spec.sources: must have at least one element/);
  assert.equal(await admissions(), before + 2);
});

test('a dead webhook blocks nothing', async () => {
  await webhook.stop('SIGKILL');
  const answer = await api.admin.request('POST', INTENTIONS, intentions('unchecked', BROKEN));
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
});

// A CA is due after 20 s, when what is served has at least 5 s left: 1 s to settle, and room for a machine that is busy for four.
const TIMES = { caLife: 30_000, servingLife: 15_000, settle: 1000 };
const LEASE_TIMES = { duration: 3000, renewDeadline: 2000, retry: 300 };
const PAUSE_MILLISECONDS = 200;

test('the CA is exchanged while objects are validated: the bundle follows, and no validation is left out', async (context) => {
  const name = 'rotating';
  const configurations = chart.objects.filter(({ kind = '' }) => kind.endsWith('WebhookConfiguration'));
  for (const { kind = '', metadata } of configurations)
    await api.admin.expect('DELETE', `${GROUP}/${kind.toLowerCase()}s/${metadata.name}`);
  const replica = await startRotating(scene, {
    kubeconfig: api.kubeconfig(),
    name,
    times: TIMES,
    leaseTimes: LEASE_TIMES,
    skew: 0,
  });
  for (const object of configurations) {
    const { kind = '' } = object;
    const moved = { ...onLoopback(object, replica.port), metadata: { name } };
    await api.admin.expect('POST', `${GROUP}/${kind.toLowerCase()}s`, moved);
  }
  const validate = (): Promise<Answer> =>
    api.admin.request('POST', `${INTENTIONS}?dryRun=All`, intentions('new', BROKEN));
  await eventually('the API server asks', async () => {
    const answer = await validate();
    assert.equal(answer.status, 422, JSON.stringify(answer.body));
  });
  const [before, issued] = [await bundle('validating', name), stepsOf(replica.process, 'issue')];
  const isExchanged = (): boolean => {
    const [, afterNewCa] = replica.process.log().split('"step":"new-ca","reason":"ca-due"');
    return afterNewCa?.includes('"step":"issue"') === true;
  };
  let validations = 0;
  const answers = new Set<number>();
  // What is served after that is of the new CA alone.
  for (let more = 0; more < 10; more += isExchanged() ? 1 : 0) {
    answers.add((await validate()).status);
    validations += 1;
    await wait(PAUSE_MILLISECONDS);
  }
  context.diagnostic(
    `${validations} validations, ${stepsOf(replica.process, 'issue') - issued} new certificates`,
  );
  assert.deepEqual([...answers], [422]);
  assert.notEqual(await bundle('validating', name), before);
  assert.equal(await bundle('validating', name), await bundle('mutating', name));
});
