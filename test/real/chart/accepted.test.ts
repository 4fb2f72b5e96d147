/** What the chart renders, shown to the real API server: it takes all of it, and the pods keep to their profile. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { property } from '../../../src/support/json.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { at, CHART, renderChart, runHelm, withoutCrds, type Rendered } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { applier, componentOf } from './apply-objects.ts';
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

// What one set renders, another one often renders as well.
const seen = new Set<string>();
const apply = applier(api.admin, 'dryRun=All');

async function taken({ objects }: Rendered): Promise<void> {
  const unseen = objects.filter((object) => !seen.has(JSON.stringify(object)));
  await apply(unseen);
  for (const object of unseen) seen.add(JSON.stringify(object));
}

for (const [name, values] of Object.entries(valueSets))
  test(`the API server takes everything: ${name}`, async () => taken(await renderChart(values)));

const WITH_CRDS = { configEntries: { installCRDs: true } };

test('the API server takes the CRDs', async () => taken(await renderChart(WITH_CRDS)));

test('helm lint has nothing to say, for any set of values', async () => {
  for (const values of [WITH_CRDS, ...Object.values(valueSets)]) {
    const file = join(scene.folder, 'lint.json');
    writeFileSync(file, JSON.stringify(withoutCrds(values)));
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
  const parts = new Set<string>();
  const asked = new Set<string>();
  for (const values of Object.values(valueSets)) {
    const { objects } = await renderChart(values);
    for (const workload of objects.filter(({ kind = '' }) => WORKLOADS.includes(kind))) {
      const part = componentOf(workload);
      if (part === 'client' || part === 'redirector' || asked.has(JSON.stringify(workload))) continue;
      parts.add(part);
      asked.add(JSON.stringify(workload));
      assert.equal(await asPod(workload), 'taken', `${workload.kind} ${workload.metadata.name}`);
    }
  }
  assert.deepEqual([...parts].toSorted(), ['secure', 'server', 'sync', 'test', 'webhook']);
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
