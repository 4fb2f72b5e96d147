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

test('what was replaced comes back, by a record as it has been written since the first version', () => {
  const status = 'consul.hashicorp.com/connect-inject-status';
  const variable = (name: string, value: string): object => ({ name: `DB_CONNECT_SERVICE_${name}`, value });
  const mount = { name: 'consul-connect-inject-data', mountPath: '/consul/connect-inject' };
  const record = {
    version: '0.0.0',
    mode: 'agent',
    volumes: ['consul-connect-inject-data'],
    initContainers: ['consul-connect-inject-init', 'consul-connect-envoy-sidecar'],
    containers: [],
    variables: ['DB_CONNECT_SERVICE_HOST', 'DB_CONNECT_SERVICE_PORT'],
    kept: { job: ['DB_CONNECT_SERVICE_HOST'] },
    mounts: ['web'],
    drained: ['web', 'job'],
    annotations: [status, 'consul.hashicorp.com/connect-service', 'tandem/injected'],
    labels: [status],
    previous: { annotations: { [status]: '' }, labels: {} },
    absent: [],
    nulls: [
      'metadata.labels',
      'spec.volumes',
      'spec.initContainers',
      'env of web',
      'volumeMounts of web',
      'lifecycle of web',
      'lifecycle.preStop of job',
    ],
  };
  const injected = {
    metadata: {
      annotations: {
        [status]: 'injected',
        'consul.hashicorp.com/connect-service': 'web',
        'tandem/injected': JSON.stringify(record),
      },
      labels: { [status]: 'injected' },
    },
    spec: {
      initContainers: [{ name: 'consul-connect-inject-init' }, { name: 'consul-connect-envoy-sidecar' }],
      containers: [
        {
          name: 'web',
          env: [variable('HOST', '127.0.0.1'), variable('PORT', '1234')],
          volumeMounts: [mount],
          lifecycle: SLEEP,
        },
        { name: 'job', env: [variable('PORT', '1234'), variable('HOST', 'mine')], lifecycle: SLEEP },
      ],
      volumes: [{ name: 'consul-connect-inject-data', emptyDir: {} }],
    },
  };
  const result = uninject(injected);
  assert.equal(result.kind, 'uninject');
  assert.deepEqual(jsonPatch.applyPatch<unknown>(injected, result.patch as Operation[]).newDocument, {
    metadata: { annotations: { [status]: '' }, labels: null },
    spec: {
      initContainers: null,
      containers: [
        { name: 'web', env: null, volumeMounts: null, lifecycle: null },
        { name: 'job', env: [variable('HOST', 'mine')], lifecycle: { preStop: null } },
      ],
      volumes: null,
    },
  });
});

test('of a probe with two handlers, which no API server has seen yet, only the one that was changed goes back', () => {
  const probes = [{ container: 'web', probe: 'livenessProbe', port: 8080, to: 20_300 }];
  const record = { ...RECORD, redirect: { way: 'node', askedBy: 'flag', probes } };
  const livenessProbe = { httpGet: { port: 20_300 }, tcpSocket: { port: 20_300 } };
  const result = uninject({
    metadata: { annotations: { 'tandem/injected': JSON.stringify(record) } },
    spec: { containers: [{ name: 'web', livenessProbe }] },
  });
  assert.equal(result.kind, 'uninject');
  const path = '/spec/containers/0/livenessProbe/httpGet/port';
  assert.deepEqual(
    result.patch.filter((each) => each.path.startsWith('/spec')),
    [{ op: 'replace', path, value: 8080 }],
  );
});
