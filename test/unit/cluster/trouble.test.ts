/** When the suite stops waiting for pods, and what it says then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterEvent, Pod, Workload } from '../../cluster/harness/list.ts';
import { hopeless, summary, unready } from '../../cluster/harness/trouble.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

function pod(status: Pod['status']): Pod {
  return { metadata: { name: 'web', namespace: 'shop' }, spec: { nodeName: 'one' }, status };
}

function waiting(reason: string): Pod {
  const state = { waiting: { reason, message: 'the reason' } };
  return pod({ phase: 'Pending', initContainerStatuses: [{ name: 'init', restartCount: 0, state }] });
}

function event(reason: string, first: number, last: number): ClusterEvent {
  return {
    metadata: {},
    type: 'Warning',
    reason,
    message: 'denied',
    firstTimestamp: ago(first),
    lastTimestamp: ago(last),
    involvedObject: { kind: 'ReplicaSet', name: 'web-1' },
  };
}

for (const reason of ['ErrImagePull', 'CrashLoopBackOff', 'CreateContainerError', 'RunContainerError'])
  test(`a container that waits for ${reason} is hopeless at once`, () => {
    assert.deepEqual(hopeless([waiting(reason)], [], NOW), [
      `pod web, container init: ${reason}: the reason`,
    ]);
  });

test('a container that is being made is not', () => {
  assert.deepEqual(hopeless([waiting('ContainerCreating')], [], NOW), []);
});

test('a pod without a node is hopeless after half a minute', () => {
  const since = (seconds: number): Pod =>
    pod({
      conditions: [
        { type: 'PodScheduled', status: 'False', message: '0/1 nodes', lastTransitionTime: ago(seconds) },
      ],
    });
  assert.deepEqual(hopeless([since(5)], [], NOW), []);
  assert.deepEqual(hopeless([since(31)], [], NOW), ['pod web finds no node: 0/1 nodes']);
});

test('pods that are refused again and again are hopeless, once is not, nor what has passed', () => {
  assert.deepEqual(hopeless([], [event('FailedCreate', 40, 2)], NOW), ['ReplicaSet web-1: denied']);
  assert.deepEqual(hopeless([], [event('FailedCreate', 5, 5)], NOW), []);
  assert.deepEqual(hopeless([], [event('FailedCreate', 300, 200)], NOW), []);
});

const REFUSED =
  'Readiness probe failed: Get "http://10.0.0.1:1/": dial tcp 10.0.0.1:1: connect: connection refused';
/** Of a pod `web`: now, and for the first time five minutes ago. */
const refusal: ClusterEvent = {
  ...event('Unhealthy', 300, 0),
  message: REFUSED,
  involvedObject: { kind: 'Pod', name: 'web' },
};

/** Its container runs for so long, after another one that has ended. */
function running(seconds: number, more: Pod['status'] = {}): Pod {
  const state = { running: { startedAt: ago(seconds) } };
  return pod({ containerStatuses: [{ name: 'web', restartCount: 1, state }], ...more });
}

test('a probe that nothing has listened to for 90 s is hopeless, while its pod is not ready', () => {
  const ready: Pod['status'] = { conditions: [{ type: 'Ready', status: 'True' }] };
  assert.deepEqual(hopeless([running(100)], [refusal], NOW), [`pod web: ${REFUSED}`]);
  assert.deepEqual(hopeless([running(100, ready)], [refusal], NOW), []);
  // Events are told rarely after the first: this one is of the 40th second.
  const early = { ...refusal, lastTimestamp: ago(60) };
  assert.deepEqual(hopeless([running(100)], [early], NOW), [`pod web: ${REFUSED}`]);
});

test('a container that started just now has time, whatever was refused before it', () => {
  assert.deepEqual(hopeless([running(80)], [refusal], NOW), []);
  const sidecar = { name: 'proxy', restartCount: 0, state: { running: { startedAt: ago(300) } } };
  const next = { name: 'web', restartCount: 1, state: { waiting: { reason: 'ContainerCreating' } } };
  assert.deepEqual(hopeless([pod({ containerStatuses: [sidecar, next] })], [refusal], NOW), []);
});

test('a pod that is deleted closes its port before it is gone', () => {
  const { metadata, ...rest } = running(300);
  const deleted = { ...rest, metadata: { ...metadata, deletionTimestamp: ago(1) } };
  assert.deepEqual(hopeless([deleted], [refusal], NOW), []);
});

test('a pod that is deleted may end as it likes', () => {
  const failed = pod({ phase: 'Failed', message: 'exit code 1' });
  const metadata = { ...failed.metadata, deletionTimestamp: ago(1) };
  assert.deepEqual(hopeless([{ ...failed, metadata }], [], NOW), []);
});

test('a pod that failed is hopeless', () => {
  assert.deepEqual(hopeless([pod({ phase: 'Failed', message: 'evicted' })], [], NOW), [
    'pod web failed: evicted',
  ]);
});

test('a workload is ready with all of its pods, of its newest version, as its controller saw it', () => {
  const deployment = (status: NonNullable<Workload['status']>, generation = 2): readonly string[] =>
    unready([{ kind: 'Deployment', metadata: { name: 'web', generation }, spec: { replicas: 2 }, status }]);
  const all = { observedGeneration: 2, readyReplicas: 2, updatedReplicas: 2 };
  assert.deepEqual(deployment(all), []);
  assert.equal(deployment(all, 3).length, 1);
  assert.deepEqual(deployment({ ...all, readyReplicas: 1 }), [
    'Deployment web: 1 of 2 pods are Ready, 2 are new',
  ]);
  assert.equal(deployment({ ...all, updatedReplicas: 1 }).length, 1);
  const agents: Workload = {
    kind: 'DaemonSet',
    metadata: { name: 'client', generation: 1 },
    spec: {},
    status: { observedGeneration: 1, desiredNumberScheduled: 2, numberReady: 1, updatedNumberScheduled: 2 },
  };
  assert.deepEqual(unready([agents]), ['DaemonSet client: 1 of 2 pods are Ready, 2 are new']);
});

test('a summary leaves out pods that are well, and what was said of them while they started', () => {
  const ready = pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
  const unhealthy = { ...event('Unhealthy', 9, 9), involvedObject: { kind: 'Pod', name: 'web' } };
  assert.deepEqual(summary([ready], [unhealthy]), []);
  const restarted = { name: 'sidecar', restartCount: 1 };
  const again = { ...ready, status: { ...ready.status, containerStatuses: [restarted] } };
  assert.deepEqual(summary([again], [unhealthy]), [
    'pod web on one: Ready: sidecar runs (1 restarts)',
    'Warning Unhealthy of Pod web: denied',
  ]);
});
