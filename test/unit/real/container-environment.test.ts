import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerEnvironment, expand } from '../../real/harness/container-environment.ts';

test('expansion as the kubelet does it', () => {
  const variables = new Map([
    ['A', 'one'],
    ['B', '$(A)'],
  ]);
  const cases = [
    ['$(A)-$(B)', 'one-$(A)'],
    ['$$(A) $$$(A) $$$$', '$(A) $one $$'],
    ['$(C) $A ${A} $', '$(C) $A ${A} $'],
    ['$(A', '$(A'],
  ] as const;
  for (const [text, expanded] of cases) assert.equal(expand(text, variables), expanded, text);
});

test('a variable sees those in front of it, and fields of the pod', () => {
  const pod = {
    metadata: { name: 'web-1', annotations: { 'example/key': 'value' } },
    status: { podIP: '127.1.2.3' },
  };
  const field = (fieldPath: string): object => ({ valueFrom: { fieldRef: { fieldPath } } });
  const env = [
    { name: 'EARLY', value: '$(NAME)' },
    { name: 'NAME', ...field('metadata.name') },
    { name: 'IP', ...field('status.podIP') },
    { name: 'KEY', ...field("metadata.annotations['example/key']") },
    { name: 'LATE', value: '$(NAME) at $(IP)' },
  ];
  const variables = containerEnvironment(pod, { name: 'web', env });
  assert.deepEqual([...variables.values()], ['$(NAME)', 'web-1', '127.1.2.3', 'value', 'web-1 at 127.1.2.3']);
  assert.throws(() =>
    containerEnvironment(pod, { name: 'web', env: [{ name: 'X', ...field('status.hostIP') }] }),
  );
});
