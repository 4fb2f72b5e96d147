/**
 * A rolling restart under load: three replicas of a server, a client that asks them at a steady pace through both sidecars,
 * and four replacements as a Deployment makes them (maxSurge 1, maxUnavailable 0): a pod is made, and when it is ready, an
 * old one is deleted, which drains while the next one is made.
 */
import { join } from 'node:path';
import { startConsulAgent } from '../harness/consul-agent.ts';
import { eventually } from '../harness/eventually.ts';
import type { Images } from '../harness/containers.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { enterOwnNetwork, startPodNetwork } from '../harness/pod-network.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { withDataplane } from './dataplane-image.ts';
import { podOf, startMesh } from './mesh.ts';

export type Outcome = {
  /** Requests that were answered, by the pod that did. */
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
};

export type Restart = {
  readonly native: boolean;
  /** Of the server, as its service-defaults say it. */
  readonly protocol: 'tcp' | 'http';
  readonly connections: 'new' | 'kept';
  /** Annotations of the server. */
  readonly annotations?: Readonly<Record<string, string>>;
};

const REPLICAS = 3;
// Each replica, and one that came in the place of another while it drained: those after it would be the same.
export const REPLACEMENTS = 4;
const REQUESTS_A_SECOND = 50;
const [PORT, UPSTREAM] = [8080, 1234];
const APPS = join(import.meta.dirname, 'apps');
const IMAGES: Images = {
  'example/web': { entrypoint: [process.execPath, join(APPS, 'web-server.ts')] },
  'example/load': { entrypoint: [process.execPath, join(APPS, 'load.ts')] },
};

/** Sets the stage for a mode. What it gives makes one restart, of a service of its own. */
export async function rollingRestarts(
  mode: 'agent' | 'dataplane',
): Promise<(name: string, restart: Restart) => Promise<Outcome>> {
  enterOwnNetwork();
  const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
  const network = await startPodNetwork(scene);
  const mesh = await startMesh(scene, {}, network);
  const { api, consul } = mesh;
  const { flags, registrar } = await ofMode();
  const run = await mesh.inject('mesh', [...flags, '--owner=cluster1']);
  await startTandemSync(scene, api, consul, ['--registrar', '--owner=cluster1', ...registrar]);
  const images = withDataplane(IMAGES, consul, network.nodeIp);

  async function ofMode() {
    if (mode === 'dataplane')
      return {
        flags: ['--proxy-mode=dataplane', `--consul-server-addresses=${network.nodeIp}`],
        registrar: [],
      };
    const agent = await startConsulAgent(scene, consul, 'node-1', network.nodeIp);
    return {
      flags: [
        `--consul-http-port=${agent.ports.http}`,
        `--consul-grpc-port=${agent.ports.grpc}`,
        '--critical-until-ready',
      ],
      registrar: [`--agent-http-port=${agent.ports.http}`],
    };
  }

  return async (name, { native, protocol, connections, annotations = {} }) => {
    await consul.call('PUT', '/v1/config', { Kind: 'service-defaults', Name: name, Protocol: protocol });
    const sidecar = { 'enable-consul-dataplane-as-sidecar': String(native) };
    let count = 0;
    const startServer = async (): Promise<RunningPod> => {
      count += 1;
      const server = podOf(
        `${name}-${count}`,
        { ...sidecar, 'connect-service': name },
        {
          image: 'example/web',
          args: [`${name}-${count}`, String(PORT)],
          ports: [{ containerPort: PORT }],
          readinessProbe: { tcpSocket: { port: PORT } },
        },
      );
      Object.assign(server.metadata.annotations ?? {}, annotations);
      const pod = await run(server, images);
      await pod.ready();
      return pod;
    };
    const servers = await Promise.all(Array.from({ length: REPLICAS }, startServer));
    await passing(name);
    const client = await run(
      podOf(
        `client-of-${name}`,
        { ...sidecar, 'connect-service-upstreams': `${name}:${UPSTREAM}` },
        {
          image: 'example/load',
          args: [String(REQUESTS_A_SECOND), connections],
          env: [{ name: 'UPSTREAM', value: `127.0.0.1:${UPSTREAM}` }],
        },
      ),
      images,
    );
    const load = client.container(`client-of-${name}`);
    await eventually('the first answer', async () => {
      if (!load.log().startsWith('serving\n')) throw new Error(load.log());
    });

    const removals: Promise<void>[] = [];
    for (let replaced = 0; replaced < REPLACEMENTS; replaced += 1) {
      servers.push(await startServer());
      const old = servers.shift();
      if (old !== undefined) removals.push(old.remove());
    }
    await Promise.all(removals);
    await load.stop();
    const outcome = JSON.parse(load.log().split('\n').at(-2) ?? '') as Outcome;
    await Promise.all([client, ...servers].map((pod) => pod.remove()));
    return outcome;
  };

  async function passing(name: string): Promise<void> {
    await eventually(`${REPLICAS} instances of ${name} that pass`, async () => {
      const found = (await consul.call('GET', `/v1/health/connect/${name}?passing`)) as readonly unknown[];
      if (found.length < REPLICAS) throw new Error(`${found.length} pass`);
    });
  }
}
