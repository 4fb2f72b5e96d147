/** OpenShift hands out user ids by namespace: a pod that brings one of its own is refused there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject } from '../harness/api-client.ts';
import { at, renderChart, type Rendered } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';

await startScene(['helm']);

function podsOf({ objects }: Rendered): ReadonlyMap<string, unknown> {
  const workloads = ['Deployment', 'StatefulSet', 'DaemonSet', 'Pod'];
  return new Map(
    objects
      .filter(({ kind = '' }) => workloads.includes(kind))
      .map((each) => {
        const pod = (at(each, 'spec', 'template') ?? each) as KubernetesObject;
        return [`${each.kind} ${each.metadata.name}`, at(pod, 'spec')];
      }),
  );
}

const FIXED = /runAsUser|runAsGroup|fsGroup|supplementalGroups/;

test('no pod of the chart has an id of its own, and no agent is on the nodes', async () => {
  const gossipEncryption = { secretName: 'gossip', secretKey: 'key' };
  const pods = podsOf(await renderChart({ global: { openshift: { enabled: true }, gossipEncryption } }));
  assert.deepEqual([...pods.keys()].toSorted(), [
    'Deployment tandem-sync',
    'Deployment tandem-webhook',
    'Pod tandem-test-injection',
    'Pod tandem-test-sync',
    'StatefulSet tandem-server',
  ]);
  for (const [name, pod] of pods) {
    assert.doesNotMatch(JSON.stringify(pod), FIXED, name);
    assert.deepEqual(
      at(pod, 'securityContext'),
      { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      name,
    );
  }
});

test('agents come when they are asked for, as the user that their folder belongs to', async () => {
  const values = { global: { openshift: { enabled: true } }, client: { enabled: true } };
  const pod = podsOf(await renderChart(values)).get('DaemonSet tandem-client');
  assert.equal(at(pod, 'securityContext', 'runAsUser'), 100);
});

test('elsewhere every pod has the ids of its image', async () => {
  for (const [name, pod] of podsOf(await renderChart()))
    assert.equal(typeof at(pod, 'securityContext', 'runAsUser'), 'number', name);
});
