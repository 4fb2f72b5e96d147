/** Events on objects of a real API server, with no more rights than to create and patch them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import { eventRecorder } from '../../../src/kubernetes/event-recorder.ts';
import { property } from '../../../src/support/json.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startScene } from '../harness/scene.ts';
import { serviceAccountClient } from './service-account-client.ts';

const scene = await startScene(['kube-apiserver', 'etcd']);
const server = await startApiServer(scene);
const client = await serviceAccountClient(scene, server, 'reporter', 'cluster', [
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
]);

const objects = [
  { kind: 'Service', path: '/api/v1/namespaces/default/services', spec: { ports: [{ port: 80 }] } },
  { kind: 'Node', path: '/api/v1/nodes', spec: {} },
];
for (const { kind, path, spec } of objects) {
  test(`what happens twice to a ${kind} is one Event with count 2`, async () => {
    const { metadata } = await server.admin.expect('POST', path, { metadata: { name: 'web' }, spec });
    const outcomes: string[] = [];
    const recorder = eventRecorder({
      client,
      instance: 'tandem-0',
      clock: systemClock,
      random: Math.random,
      onOutcome: (outcome) => outcomes.push(outcome.kind === 'failed' ? outcome.error.message : outcome.kind),
    });
    const target = {
      apiVersion: 'v1',
      kind,
      namespace: metadata.namespace,
      name: 'web',
      uid: metadata.uid ?? '',
    };
    for (let times = 0; times < 2; times += 1) {
      recorder.record(target, 'Warning', 'BadName', 'the name is too long');
      await recorder.idle();
    }
    assert.deepEqual(outcomes, ['written', 'written']);
    const selector = encodeURIComponent(`involvedObject.uid=${target.uid},involvedObject.kind=${kind}`);
    const events = await server.admin.expect('GET', `/api/v1/events?fieldSelector=${selector}`);
    const [event, ...more] = events['items'] as readonly unknown[];
    assert.deepEqual(
      ['reason', 'count', 'type', 'message', 'reportingComponent'].map((key) => property(event, key)),
      ['BadName', 2, 'Warning', 'the name is too long', 'tandem'],
    );
    assert.deepEqual(more, []);
  });
}
