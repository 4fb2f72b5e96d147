/** A transparent pod with probes of every kind, a container for each, whose applications are up as far as the test tells them. */
import assert from 'node:assert/strict';
import { eventually } from '../../real/harness/eventually.ts';
import { appPod, createPod } from './app-pod.ts';
import type { Cluster } from './cluster.ts';
import { isReady, podsOf, type ContainerStatus } from './list.ts';
import { podsReady } from './ready.ts';

const PARTS = ['started', 'live', 'ready'] as const;
type Part = (typeof PARTS)[number];

/** By the first port of the application, as apps/probed.ts has them. */
const KINDS: readonly { readonly name: string; readonly handler: (part: Part, port: number) => object }[] = [
  { name: 'http', handler: (part) => ({ httpGet: { path: `/${part}?full=1`, port: 'http' } }) },
  { name: 'tcp', handler: (part, port) => ({ tcpSocket: { port: port + 1 + PARTS.indexOf(part) } }) },
  { name: 'grpc', handler: (part, port) => ({ grpc: { port: port + 5, service: part } }) },
  { name: 'exec', handler: (part) => ({ exec: { command: ['test', '-e', `/tmp/${part}`] } }) },
];
const PORTS = KINDS.map((_kind, index) => 8000 + 10 * index);
// A machine that is busy answers late; what the application says is another thing.
const PATIENT = { periodSeconds: 1, timeoutSeconds: 10 };
const POD = 'probed';

export async function createProbedPod(cluster: Cluster, namespace: string): Promise<void> {
  const containers = KINDS.map(({ name, handler }, index) => {
    const port = PORTS[index] ?? 0;
    const [container] = appPod(cluster, name, { app: 'probed.ts', args: [String(port)] }).spec.containers;
    return {
      ...container,
      ...(name === 'http' ? { ports: [{ name, containerPort: port + 4 }] } : {}),
      startupProbe: { ...handler('started', port), ...PATIENT, failureThreshold: 600 },
      livenessProbe: { ...handler('live', port), ...PATIENT, failureThreshold: 2 },
      readinessProbe: { ...handler('ready', port), ...PATIENT, failureThreshold: 1 },
    };
  });
  const annotations = { 'transparent-proxy-exclude-inbound-ports': PORTS.join() };
  const pod = appPod(cluster, POD, { app: 'probed.ts', annotations });
  await createPod(cluster, namespace, { ...pod, spec: { ...pod.spec, containers } });
}

/** Each probe fails with its application, and passes with it; nothing else keeps the pod from being Ready. */
export async function proveProbes(cluster: Cluster, namespace: string): Promise<void> {
  const { api } = cluster;
  const tell = (...parts: readonly Part[]): Promise<void> =>
    eventually(`the applications are told: ${parts.join()}`, async () => {
      const query = parts.map((part) => `${part}=1`).join('&');
      for (const port of PORTS) {
        const path = `/api/v1/namespaces/${namespace}/pods/${POD}:${port}/proxy/?${query}`;
        const { status, body } = await api.request('GET', path);
        assert.equal(status, 200, JSON.stringify(body));
      }
    });
  const become = (what: string, is: (container: ContainerStatus) => boolean): Promise<void> =>
    eventually(`each container: ${what}`, async () => {
      const pod = (await podsOf(api, namespace)).find(({ metadata }) => metadata.name === POD);
      const containers = pod?.status.containerStatuses ?? [];
      const are = containers.filter(is).map(({ name }) => name);
      assert.deepEqual(are.toSorted(), KINDS.map(({ name }) => name).toSorted(), JSON.stringify(containers));
      assert.equal(
        pod && isReady(pod),
        containers.every(({ ready }) => ready),
      );
    });
  const up = async (restarts: number): Promise<void> => {
    await tell('started', 'live', 'ready');
    await podsReady(cluster, namespace, [POD]);
    await become(`${restarts} restarts`, ({ restartCount }) => restartCount === restarts);
  };

  await become('not started', ({ started, state }) => started === false && state?.running !== undefined);
  await up(0);
  await tell('started', 'live');
  await become('not ready', ({ ready }) => ready === false);
  await up(0);
  await tell('started', 'ready');
  await become('restarted', ({ restartCount }) => restartCount === 1);
  await up(1);
}
