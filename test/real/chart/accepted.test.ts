/** What the chart renders, shown to the real API server: it takes all of it, and the pods keep to their profile. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { property } from '../../../src/support/json.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { at, CHART, renderChart, runHelm } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { valueSets } from './value-sets.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'helm']);
const api = await startApiServer(scene);
await api.createNamespace('tandem');
// Of the set that writes to another namespace.
await api.createNamespace('from-consul');
// A dry run makes no accounts, and a pod needs its own.
for (const name of ['tandem-test', 'consul-test'])
  await api.admin.expect('POST', '/api/v1/namespaces/tandem/serviceaccounts', { metadata: { name } });
await api.createNamespace('restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' });

for (const [name, values] of Object.entries(valueSets))
  test(`the API server takes everything: ${name}`, async () => {
    for (const object of (await renderChart(values)).objects) {
      const path = `${await pathOf(object)}?dryRun=All&fieldValidation=Strict&fieldManager=test`;
      await api.admin.expect('PATCH', path, object, 'application/apply-patch+yaml');
    }
  });

type Resource = { readonly name: string; readonly kind: string; readonly namespaced: boolean };

const resources = new Map<string, Promise<readonly Resource[]>>();

/** Where the API server has such an object. */
async function pathOf({ apiVersion = '', kind, metadata }: KubernetesObject): Promise<string> {
  const version = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const known = resources.get(version) ?? resourcesOf(version);
  resources.set(version, known);
  const found = (await known).find((each) => each.kind === kind && !each.name.includes('/'));
  assert.ok(found, `${apiVersion} ${kind}`);
  const place = found.namespaced ? `/namespaces/${metadata.namespace ?? 'tandem'}` : '';
  return `${version}${place}/${found.name}/${metadata.name}`;
}

async function resourcesOf(version: string): Promise<readonly Resource[]> {
  return (await api.admin.expect('GET', version))['resources'] as readonly Resource[];
}

test('helm lint has nothing to say, for any set of values', async () => {
  for (const values of Object.values(valueSets)) {
    const file = join(scene.folder, 'lint.json');
    writeFileSync(file, JSON.stringify(values));
    await runHelm(['lint', '--strict', '--quiet', CHART, '--namespace=tandem', `--values=${file}`]);
  }
});

/** What the API server says to a pod of this workload in a namespace of the restricted profile. */
async function asPod(workload: KubernetesObject): Promise<string> {
  const pod = (at(workload, 'spec', 'template') ?? workload) as KubernetesObject;
  const metadata = { generateName: 'pod-', labels: pod.metadata.labels };
  const spec = { ...(pod['spec'] as object), serviceAccountName: 'default', priorityClassName: undefined };
  const body = { metadata, spec: { ...spec, volumes: [...volumesOf(pod), ...claimsOf(workload)] } };
  const answer = await api.admin.request('POST', '/api/v1/namespaces/restricted/pods?dryRun=All', body);
  return answer.status === 201 ? 'taken' : String(property(answer.body, 'message'));
}

function volumesOf(pod: KubernetesObject): readonly object[] {
  return (at(pod, 'spec', 'volumes') ?? []) as readonly object[];
}

/** The volumes that the controller of a StatefulSet makes of its claim templates. */
function claimsOf(workload: KubernetesObject): readonly object[] {
  const templates = (at(workload, 'spec', 'volumeClaimTemplates') ?? []) as readonly KubernetesObject[];
  return templates.map(({ metadata: { name } }) => ({
    name,
    persistentVolumeClaim: { claimName: `${name}-0` },
  }));
}

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Pod'];

test('the restricted profile takes the pods of everything but the clients and the redirector', async () => {
  const seen = new Set<string>();
  for (const values of Object.values(valueSets)) {
    const { objects } = await renderChart(values);
    for (const workload of objects.filter(({ kind = '' }) => WORKLOADS.includes(kind))) {
      const part = workload.metadata.labels?.['app.kubernetes.io/component'] ?? '';
      if (part === 'client' || part === 'redirector') continue;
      seen.add(part);
      assert.equal(await asPod(workload), 'taken', `${workload.kind} ${workload.metadata.name}`);
    }
  }
  assert.deepEqual([...seen].toSorted(), ['secure', 'server', 'sync', 'test', 'webhook']);
});

test('what the redirector asks for beyond that profile is what it needs to enter the networks of pods', async () => {
  const said = await asPod((await renderChart()).one('DaemonSet', 'tandem-redirector'));
  const [, reasons = ''] = /violates PodSecurity "restricted:latest": (.*)$/.exec(said) ?? [];
  assert.deepEqual(
    [...reasons.matchAll(/(?:^|, )([\w ]+?) \(|([\w]+ ?!?=[\w ]+) \(/g)].map(
      ([, words, value]) => words ?? value,
    ),
    [
      'forbidden AppArmor profile',
      'host namespaces',
      'unrestricted capabilities',
      'runAsNonRoot != true',
      'runAsUser=0',
    ],
  );
});

test('what a client asks for beyond that profile is its ports and its folder on the node', async () => {
  const { one } = await renderChart();
  const said = await asPod(one('DaemonSet', 'tandem-client'));
  assert.match(said, /violates PodSecurity "restricted:latest": /);
  assert.match(said, /hostPort .*uses hostPorts 8301, 8500, 8502/);
  const withoutFolder = await renderChart({ client: { dataDirectoryHostPath: null } });
  const less = await asPod(withoutFolder.one('DaemonSet', 'tandem-client'));
  assert.match(less, /restricted:latest": hostPort \([^)]*\)$/);
});
