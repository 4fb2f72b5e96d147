import assert from 'node:assert/strict';
import { test } from 'node:test';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { uninject } from '../../../src/inject/uninject.ts';

const RECORD = {
  version: '0.0.0',
  mode: 'agent',
  volumes: [],
  initContainers: [],
  containers: [],
  variables: [],
  kept: {},
  mounts: [],
  annotations: ['tandem/injected'],
  labels: [],
  previous: { annotations: {}, labels: {} },
  absent: ['lifecycle of web'],
  nulls: [],
};
const SLEEP = { preStop: { sleep: { seconds: 3 } } };

function lifecycleAfter(record: object, lifecycle: object | undefined): unknown {
  const pod = {
    metadata: { annotations: { 'tandem/injected': JSON.stringify(record) } },
    spec: { containers: [{ name: 'web', ...(lifecycle === undefined ? {} : { lifecycle }) }] },
  };
  const result = uninject(pod);
  assert.equal(result.kind, 'uninject');
  const after = jsonPatch.applyPatch(pod, result.patch as Operation[]).newDocument;
  return after.spec.containers[0]?.lifecycle;
}

test('a hook that was added goes', () => {
  assert.equal(lifecycleAfter({ ...RECORD, drained: ['web'] }, SLEEP), undefined);
});

test('what somebody wrote beside it since stays', () => {
  const postStart = { exec: { command: ['true'] } };
  assert.deepEqual(lifecycleAfter({ ...RECORD, drained: ['web'] }, { ...SLEEP, postStart }), { postStart });
});

test('a hook that somebody put in its place stays', () => {
  const own = { preStop: { exec: { command: ['sync'] } } };
  assert.deepEqual(lifecycleAfter({ ...RECORD, drained: ['web'] }, own), own);
});

test('a hook that somebody took out is not missed', () => {
  assert.equal(lifecycleAfter({ ...RECORD, drained: ['web'] }, undefined), undefined);
});

test('a record of a version without drain is read, and no hook is touched', () => {
  assert.deepEqual(lifecycleAfter(RECORD, SLEEP), SLEEP);
});
