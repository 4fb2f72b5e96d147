/** What the other tests take for granted of a cluster; that it has two nodes is used where it has. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { eventually } from '../real/harness/eventually.ts';
import type { KubernetesObject } from '../real/harness/api-client.ts';
import { partPath } from '../real/parts.ts';
import { createPod, type PodTemplate } from './harness/app-pod.ts';
import { openCluster } from './harness/cluster.ts';
import { list } from './harness/list.ts';
import { testOn } from './harness/evidence.ts';
import { makeNamespace, removeNamespace } from './harness/namespaces.ts';
import { podsReady } from './harness/ready.ts';

const NAMESPACE = 'cluster-test';
const cluster = await openCluster();
const { api } = cluster;
await makeNamespace(cluster, NAMESPACE);
after(() => removeNamespace(cluster, NAMESPACE));
const test = testOn(cluster, [NAMESPACE]);
const kubectl = (...args: readonly string[]): Promise<string> =>
  cluster.kubectl([`--namespace=${NAMESPACE}`, ...args]);

const SERVER = `require('node:http').createServer((_, answer) => answer.end('hello')).listen(8080); console.log('serving')`;

test('pods of two nodes reach each other by the name of a Service', async () => {
  const nodes = (await list<KubernetesObject>(api, '/api/v1/nodes')).map(({ metadata }) => metadata.name);
  await createPod(cluster, NAMESPACE, pod('server', SERVER, { nodeName: nodes.at(-1) }));
  await createPod(cluster, NAMESPACE, pod('client', IDLE, { nodeName: nodes.at(0) }));
  await api.expect('POST', `/api/v1/namespaces/${NAMESPACE}/services`, {
    metadata: { name: 'web' },
    spec: { selector: { app: 'server' }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  await podsReady(cluster, NAMESPACE, ['server', 'client']);
  const script = `fetch('http://web').then((answer) => answer.text()).then(console.log)`;
  await eventually('an answer', async () =>
    assert.equal(await kubectl('exec', 'client', '--', 'node', '-e', script), 'hello\n'),
  );
});

test('logs, and a port that is forwarded', async () => {
  assert.equal(await kubectl('logs', 'server'), 'serving\n');
  const args = [`--namespace=${NAMESPACE}`, 'port-forward', 'pod/server', ':8080'];
  const forward = spawn(partPath('kubectl'), args, {
    env: { ...cluster.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(forward.stdout.setEncoding('utf8'), 'data')) as [string];
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    assert.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'hello');
  } finally {
    forward.kill();
  }
});

test('a claim gets an empty volume, which the group of the pod can write', async () => {
  const found: string[] = [];
  for (const name of ['first', 'second']) {
    await api.expect('POST', `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims`, CLAIM);
    await createPod(cluster, NAMESPACE, pod(name, WRITER, WITH_VOLUME));
    await podsReady(cluster, NAMESPACE, [name]);
    found.push(await eventually(`the log of ${name}`, async () => kubectl('logs', name)));
    await kubectl('delete', `pod/${name}`, 'pvc/data', '--grace-period=1');
  }
  assert.deepEqual(
    found,
    ['[] [ "x" ]\n', '[] [ "x" ]\n'].map((line) => line.replaceAll('"', "'")),
  );
});

const IDLE = 'setInterval(() => 0, 1000)';
const WRITER = `const { readdirSync, writeFileSync } = require('node:fs');
const before = readdirSync('/data');
writeFileSync('/data/x', '');
console.log(before, readdirSync('/data'));
${IDLE}`;
const CLAIM = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};
const WITH_VOLUME = {
  securityContext: { fsGroup: 1000 },
  volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
};

function pod(name: string, script: string, spec: object): PodTemplate {
  const volumeMounts = 'volumes' in spec ? [{ name: 'data', mountPath: '/data' }] : [];
  const container = { name: 'main', image: cluster.image, command: ['node', '-e', script], volumeMounts };
  return {
    metadata: { name, labels: { app: name } },
    spec: { containers: [container], terminationGracePeriodSeconds: 1, ...spec },
  };
}
