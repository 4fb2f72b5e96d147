import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRedirectOptions } from '../../../src/redirection/options.ts';
import { readPendingPod } from '../../../src/redirection/pending-pod.ts';

const metadata = { namespace: 'shop', name: 'api-1', uid: 'u1', annotations: { 'tandem/redirect': '{}' } };

const spec = { initContainers: [{ name: 'vault-agent-init' }, { name: 'consul-connect-redirect' }] };

function podIn(state: object | undefined, more: object = {}): object {
  const initContainerStatuses = state && [
    { name: 'vault-agent-init', state: { terminated: { exitCode: 0 } } },
    { name: 'consul-connect-redirect', state },
  ];
  return { metadata, spec, status: { phase: 'Pending', initContainerStatuses, ...more } };
}

const pending = { namespace: 'shop', name: 'api-1', uid: 'u1', annotation: '{}', waitsSince: undefined };

for (const [name, pod, expected] of [
  ['no container yet', podIn(undefined), pending],
  ['a container that is not there yet', podIn({ waiting: { reason: 'PodInitializing' } }), pending],
  [
    'a container that runs',
    podIn({ running: { startedAt: '2026-01-02T03:04:05Z' } }),
    { ...pending, waitsSince: Date.UTC(2026, 0, 2, 3, 4, 5) },
  ],
  ['a container that was killed', podIn({ terminated: { exitCode: 137 } }), pending],
  ['a container that has ended well', podIn({ terminated: { exitCode: 0 } }), undefined],
  ['a pod at its end', podIn(undefined, { phase: 'Failed' }), undefined],
  ['a pod that is done', podIn(undefined, { phase: 'Succeeded' }), undefined],
  ['no status', { metadata, spec }, pending],
  ['a pod that is deleted', { metadata: { ...metadata, deletionTimestamp: 'now' }, spec }, undefined],
  ['no annotation', { metadata: { ...metadata, annotations: {} }, spec }, undefined],
  ['nothing that waits', { metadata, spec: { initContainers: spec.initContainers.slice(0, 1) } }, undefined],
  ['no init containers', { metadata, spec: {} }, undefined],
  ['nothing', null, undefined],
] as const)
  test(`${name}: ${expected === undefined ? 'not pending' : 'pending'}`, () => {
    assert.deepEqual(readPendingPod(pod), expected);
  });

test('of an annotation that is too long nothing is kept but that', () => {
  const annotations = { 'tandem/redirect': 'x'.repeat(262_000) };
  const read = readPendingPod({ metadata: { ...metadata, annotations }, spec });
  assert.equal(read?.annotation, ' '.repeat(65_537));
  assert.deepEqual(parseRedirectOptions(read.annotation), {
    kind: 'invalid',
    problem: 'is longer than 65536 characters',
  });
});
