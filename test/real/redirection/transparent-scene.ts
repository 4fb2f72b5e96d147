/**
 * In each proxy mode a pod that writes its rules itself and one that waits for the redirector of its node, as the API server
 * returned them, with real Envoys in a network of both families.
 */
import { join } from 'node:path';
import { property } from '../../../src/support/json.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import type { Images } from '../harness/containers.ts';
import { runPod, type RunningPod } from '../harness/kubelet.ts';
import { startPodNetwork } from '../harness/pod-network.ts';
import type { Scene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { withDataplane } from '../mesh/dataplane-image.ts';
import { passing, podOf, startMesh, type Run } from '../mesh/mesh.ts';
import { PROGRAM, startNode } from './node.ts';

export type Mode = 'agent' | 'dataplane';

/** Excluded by the annotations of `client`; the addresses are on the node. */
export const EXCLUDED = {
  inbound: 9999,
  outbound: 7001,
  uid: 100,
  IPv4: '203.0.113.1',
  IPv6: '2001:db8:2::1',
};

export type Pair = {
  readonly mode: Mode;
  /** Writes its rules itself; has an HTTP and a TCP probe. */
  readonly web: RunningPod;
  /** Waits for the redirector; has a gRPC probe, hooks, and its DNS by its sidecar in dataplane mode. */
  readonly client: RunningPod;
};

const ports = [{ name: 'http', containerPort: 8080 }, { containerPort: EXCLUDED.inbound }];
const server = (name: string) => ({
  name,
  image: 'example/server',
  ports,
  env: [{ name: 'WHO', value: name }],
});

function webOf(mode: Mode): KubernetesObject {
  return labelled(
    podOf(
      `web-${mode}`,
      { 'connect-service': `web-${mode}`, 'transparent-proxy-exclude-inbound-ports': '9999' },
      {
        ...server(`web-${mode}`),
        livenessProbe: { httpGet: { path: '/healthz?full=1', port: 'http' } },
        readinessProbe: { tcpSocket: { port: 9090 } },
        startupProbe: { httpGet: { path: '/healthz', port: 8080 } },
      },
    ),
  );
}

function clientOf(mode: Mode): KubernetesObject {
  const { inbound, outbound, uid } = EXCLUDED;
  return labelled(
    podOf(
      `client-${mode}`,
      {
        'transparent-proxy-exclude-inbound-ports': String(inbound),
        'transparent-proxy-exclude-outbound-ports': String(outbound),
        'transparent-proxy-exclude-outbound-cidrs': '203.0.113.0/24, 2001:db8:2::/48',
        'transparent-proxy-exclude-uids': String(uid),
        ...(mode === 'dataplane' ? { 'consul-dns': 'true' } : {}),
      },
      {
        ...server(`client-${mode}`),
        readinessProbe: { grpc: { port: 50_051 } },
        lifecycle: {
          postStart: { httpGet: { path: '/started', port: 'http' } },
          preStop: { httpGet: { path: '/stopping', port: 'http' } },
        },
      },
      mode === 'dataplane' ? { dnsPolicy: 'None' } : {},
    ),
  );
}

function labelled(pod: KubernetesObject): KubernetesObject {
  return { ...pod, metadata: { ...pod.metadata, labels: { app: pod.metadata.name ?? '' } } };
}

export async function startTransparentPods(scene: Scene) {
  const network = await startPodNetwork(scene, true);
  const { api, consul, inject } = await startMesh(scene, {}, network);
  const node = startNode(scene, api, network);
  const modes = {
    agent: ['--drain-seconds=0'],
    dataplane: [
      '--proxy-mode=dataplane',
      '--sidecar-proxy-lifecycle-shutdown-grace-period-seconds=0',
      `--consul-server-addresses=${network.nodeIp}`,
    ],
  };
  const start = (mode: Mode, way: 'init' | 'node'): Promise<Run> =>
    inject(`${mode}-${way}`, [
      ...modes[mode],
      '--transparent-proxy',
      '--owner=cluster1',
      '--redirect-image=example/redirect:1',
      `--redirection=${way}`,
    ]);
  const [agent, dataplane] = await Promise.all([
    start('agent', 'init'),
    start('dataplane', 'init'),
    start('agent', 'node'),
    start('dataplane', 'node'),
  ]);
  const runs = { agent, dataplane };
  await startTandemSync(scene, api, consul, [
    '--registrar',
    '--owner=cluster1',
    `--agent-http-port=${consul.ports.http}`,
  ]);
  const images: Images = withDataplane(
    {
      'example/redirect': {},
      'example/server': { entrypoint: [process.execPath, join(import.meta.dirname, 'server.ts')] },
    },
    consul,
    network.nodeIp,
  );

  const waiting = async (mode: Mode): Promise<RunningPod> => {
    const created = await api.admin.expect('POST', `/api/v1/namespaces/${mode}-node/pods`, clientOf(mode));
    const { name = '', uid = '' } = created.metadata;
    const inPod = node.inPod({ name, uid, form: mode === 'agent' ? 'systemd' : 'cgroupfs' });
    const redirect = { 'example/redirect': { entrypoint: [...inPod, ...PROGRAM] } };
    return runPod(scene, api, created, { ...images, ...redirect }, network);
  };
  const pair = async (mode: Mode): Promise<Pair> => {
    const [web, client] = await Promise.all([runs[mode](webOf(mode), images), waiting(mode)]);
    await Promise.all([web, client].map((pod) => pod.ready()));
    await Promise.all([web, client].map(({ name }) => passing(consul, name)));
    return { mode, web, client };
  };
  const pairs = Promise.all([pair('agent'), pair('dataplane')]);
  const [found] = await Promise.all([pairs, node.redirector()]);
  return { api, consul, network, pairs: found };
}

/** From the node: status and body, or the error of the system. */
export async function ask(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { headers: { connection: 'close' } });
    return `${answer.status} ${(await answer.text()).trim()}`;
  } catch (error) {
    return String(property((error as Error).cause, 'code'));
  }
}
