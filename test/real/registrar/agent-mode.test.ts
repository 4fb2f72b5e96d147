/** Agent mode: pods register themselves with the agent of their node, and the registrar removes what outlives them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { startConsulAgent } from '../harness/consul-agent.ts';
import { eventually } from '../harness/eventually.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync, type TandemSync } from '../harness/tandem-sync.ts';
import { runTandem } from '../../integration/cli/tandem-process.ts';
import { echoContainer, ECHO_IMAGES } from '../mesh/echo.ts';
import { podOf, startMesh } from '../mesh/mesh.ts';
import { writeStatus } from './dataplane-pods.ts';
import { assertInTime } from './in-time.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const mesh = await startMesh(scene);
const { api, consul } = mesh;
const agent = await startConsulAgent(scene, consul, 'node-1');
const run = await mesh.inject('mesh', [
  `--consul-http-port=${agent.ports.http}`,
  `--consul-grpc-port=${agent.ports.grpc}`,
  '--owner=cluster1',
  '--critical-until-ready',
]);
const start = (): Promise<TandemSync> =>
  startTandemSync(scene, api, consul, [
    '--registrar',
    '--owner=cluster1',
    `--agent-http-port=${agent.ports.http}`,
  ]);
let sync = await start();
const [port = 0] = await freePorts(1);
const pathOf = (name: string): string => `/api/v1/namespaces/mesh/pods/${name}`;
const remove = (name: string): Promise<unknown> =>
  api.admin.expect('DELETE', `${pathOf(name)}?gracePeriodSeconds=0`);
const runPod = (name: string): Promise<RunningPod> =>
  run(podOf(name, { 'connect-service': 'db' }, echoContainer('db', port)), ECHO_IMAGES);

type Entry = {
  readonly Service: { readonly ID: string; readonly Meta: Readonly<Record<string, string>> };
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string }[];
};

async function entries(service: string): Promise<readonly Entry[]> {
  return (await consul.call('GET', `/v1/health/service/${service}`)) as readonly Entry[];
}

async function ids(): Promise<readonly string[]> {
  const found = await Promise.all(['db', 'db-sidecar-proxy'].map(entries));
  return found.flat().map(({ Service }) => Service.ID);
}

/** What the agent itself has, whatever the catalog knows of it yet. */
async function atAgent(): Promise<readonly string[]> {
  const response = await fetch(`http://127.0.0.1:${agent.ports.http}/v1/agent/services`);
  return Object.keys((await response.json()) as object);
}

/** Seconds until Consul has none of these. */
async function goneAfter(id: string): Promise<number> {
  const begin = performance.now();
  await eventually(`${id} is gone`, async () =>
    assert.deepEqual(
      (await ids()).filter((each) => each.startsWith(id)),
      [],
    ),
  );
  return (performance.now() - begin) / 1000;
}

test('the readiness of a pod is a check of its service, with the reason', async () => {
  await runPod('db-0');
  await writeStatus(api, pathOf('db-0'), { ready: false, message: 'containers with unready status: [db]' });
  const readiness = (status: string): Promise<void> =>
    eventually(`db is ${status}`, async () => {
      const [entry] = await entries('db');
      assert.equal(entry?.Checks.find(({ CheckID }) => CheckID === 'mesh.db-0.db-readiness')?.Status, status);
    });
  await readiness('critical');
  // The agent has the text at once; it tells the servers of a text alone only after minutes (check_update_interval).
  await eventually('the reason', async () => {
    const response = await fetch(`http://127.0.0.1:${agent.ports.http}/v1/agent/checks`);
    const checks = (await response.json()) as Readonly<Record<string, { readonly Output: string }>>;
    assert.equal(checks['mesh.db-0.db-readiness']?.Output, 'containers with unready status: [db]');
  });
  await writeStatus(api, pathOf('db-0'), { ready: true });
  await readiness('passing');
});

test('tandem explain tells how the pod stands', async () => {
  const { code, stdout, stderr } = await runTandem([
    'explain',
    'pod',
    'mesh/db-0',
    `--kubeconfig=${api.kubeconfig()}`,
    `--consul-http-addr=${consul.url}`,
    '--owner=cluster1',
  ]);
  assert.equal(code, 0);
  assert.match(stderr, /^tandem explain: names by [^\n]*\n$/);
  assert.match(stdout, /^Pod\/mesh\/db-0: injected, agent mode$/m);
  assert.match(stdout, /^ {2}instance {5}mesh\.db-0\.db [^ ]+ {2}in Consul$/m);
  assert.match(stdout, /^ {2}instance {5}mesh\.db-0\.db-sidecar-proxy [^ ]+:20000 {2}in Consul$/m);
  assert.match(stdout, /^ {2}check {10}passing {2}Kubernetes Readiness Check: the pod is ready$/m);
  assert.match(stdout, /^ {2}check {10}\w+ {2}Proxy Public Listener: /m);
});

test('a pod replaced under its name keeps the registration of the new one, and loses nothing', async () => {
  await remove('db-0');
  const replaced = await runPod('db-0');
  await writeStatus(api, pathOf('db-0'), { ready: true });
  const uid = replaced.pod.metadata?.uid;
  await eventually('the new pod, ready', async () => {
    const [entry, ...others] = await entries('db');
    assert.equal(others.length, 0);
    assert.equal(entry?.Service.Meta['pod-uid'], uid);
    assert.equal(
      entry?.Checks.find(({ CheckID }) => CheckID === 'mesh.db-0.db-readiness')?.Status,
      'passing',
    );
    assert.equal((await ids()).length, 2);
  });
});

test('deleted: gone soon, at the agent too', async (context) => {
  await remove('db-0');
  const seconds = await goneAfter('mesh.db-0');
  assertInTime(context, seconds);
  assert.deepEqual(await atAgent(), []);
});

test('an agent that lost its data has the pod again, as it was', async () => {
  await runPod('db-5');
  await writeStatus(api, pathOf('db-5'), { ready: true });
  const seen = async (): Promise<unknown> => {
    const found = (await Promise.all(['db', 'db-sidecar-proxy'].map(entries))).flat();
    assert.equal(found.length, 2);
    return found.map(({ Service, Checks }) => ({
      Service: { ...Service, CreateIndex: 0, ModifyIndex: 0 },
      Checks: Checks.map(({ CheckID, Status }) => `${CheckID} ${Status}`).toSorted(),
    }));
  };
  const before = await eventually('the pod, healthy', async () => {
    const found = await seen();
    assert.doesNotMatch(JSON.stringify(found), /critical/);
    assert.match(JSON.stringify(found), /mesh\.db-5\.db-readiness/);
    return found;
  });
  await agent.startAnew();
  await eventually('the agent has it again', async () =>
    assert.deepEqual((await atAgent()).toSorted(), ['mesh.db-5.db', 'mesh.db-5.db-sidecar-proxy']),
  );
  await eventually('the same as before', async () => assert.deepEqual(await seen(), before));
  await remove('db-5');
  await goneAfter('mesh.db-5');
});

test('finished or evicted: gone, although the pod is still there', async (context) => {
  await runPod('db-1');
  await writeStatus(api, pathOf('db-1'), { phase: 'Failed', reason: 'Evicted' });
  const seconds = await goneAfter('mesh.db-1');
  assertInTime(context, seconds);
});

test('deleted while Tandem was down: gone after a second look; what somebody else registered stays', async () => {
  await runPod('db-2');
  await runPod('db-3');
  await eventually('both', async () => assert.equal((await ids()).length, 4));
  const other = {
    ID: 'other-db',
    Name: 'db',
    Meta: {
      'managed-by': 'tandem',
      'external-source': 'kubernetes',
      'pod-uid': 'u',
      'tandem-owner': 'cluster2',
    },
  };
  await fetch(`http://127.0.0.1:${agent.ports.http}/v1/agent/service/register`, {
    method: 'PUT',
    body: JSON.stringify(other),
  });
  await eventually('the other one', async () => assert.ok((await ids()).includes('other-db')));
  await sync.process.stop();
  await remove('db-2');
  await runPod('db-4');
  await eventually('db-4 is critical, although its sidecar listens', async () => {
    const proxy = (await entries('db-sidecar-proxy')).find(({ Service }) =>
      Service.ID.startsWith('mesh.db-4'),
    );
    const statuses = (proxy?.Checks ?? []).map(({ CheckID, Status }) => `${CheckID} ${Status}`);
    assert.ok(statuses.includes('service:mesh.db-4.db-sidecar-proxy:1 passing'), statuses.join());
    assert.ok(statuses.includes('service:mesh.db-4.db-sidecar-proxy:2 critical'), statuses.join());
  });
  await remove('db-4');
  sync = await start();
  await goneAfter('mesh.db-4');
  await goneAfter('mesh.db-2');
  assert.deepEqual((await ids()).toSorted(), ['mesh.db-3.db', 'mesh.db-3.db-sidecar-proxy', 'other-db']);
});

test('the agent dies with its node: out of the catalog soon after the end of the pod', async (context) => {
  await agent.process.stop('SIGKILL');
  await remove('db-3');
  const seconds = await goneAfter('mesh.db-3');
  assertInTime(context, seconds);
});

test('a node of the catalog that looks like one with an agent of ours is sent nothing, and its leftovers go', async () => {
  const requests: string[] = [];
  const listener = createServer(({ url, headers }, response) => {
    requests.push(`${url} ${JSON.stringify(headers)}`);
    response.end('{}');
  });
  listener.listen(agent.ports.http, '127.66.66.66');
  await once(listener, 'listening');
  await consul.call('PUT', '/v1/catalog/register', {
    Node: 'bait',
    Address: '127.66.66.66',
    Service: {
      ID: 'mesh.bait-0.db',
      Service: 'db',
      Meta: {
        'managed-by': 'tandem',
        'external-source': 'kubernetes',
        'pod-uid': 'nobody',
        'tandem-owner': 'cluster1',
      },
    },
  });
  await sync.process.stop();
  sync = await start();
  await goneAfter('mesh.bait-0');
  assert.deepEqual(requests, []);
  listener.close();
});
