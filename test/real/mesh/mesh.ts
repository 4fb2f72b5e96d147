/** An API server, Consul, and Tandem between them; pods that it injects, running. */
import type { V1Container } from '@kubernetes/client-node';
import type { KubernetesObject } from '../harness/api-client.ts';
import { startApiServer, type ApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul, type Consul, type ConsulOptions } from '../harness/consul.ts';
import type { Images } from '../harness/containers.ts';
import { eventually } from '../harness/eventually.ts';
import { runPod, type RunningPod } from '../harness/kubelet.ts';
import type { PodNetwork } from '../harness/pod-network.ts';
import type { Scene } from '../harness/scene.ts';
import { startWebhook } from '../harness/webhook.ts';

/** Has the API server make the pod, which Tandem injects, and runs what came of it. */
export type Run = (pod: KubernetesObject, images: Images) => Promise<RunningPod>;

export type Mesh = {
  readonly api: ApiServer;
  readonly consul: Consul;
  /** Starts a webhook for a namespace of its own; with the server as the agent, unless the flags name other ports. */
  readonly inject: (
    namespace: string,
    flags: readonly string[],
    labels?: Readonly<Record<string, string>>,
  ) => Promise<Run>;
};

const PREFIX = 'consul.hashicorp.com/';

/** @param network Consul serves its pods as well, and they reach its servers on the address of the node */
export async function startMesh(scene: Scene, options?: ConsulOptions, network?: PodNetwork): Promise<Mesh> {
  const [api, consul] = await Promise.all([
    startApiServer(scene),
    startConsul(scene, network === undefined ? options : reachable(network, options)),
  ]);
  // The registrar has the address of a node from it, before that of a pod is known.
  if (network !== undefined) await clusterObjects(api).node('node-1', { InternalIP: network.nodeIp });
  return {
    api,
    consul,
    inject: async (namespace, flags, labels) => {
      await api.createNamespace(namespace, labels);
      const ports = [`--consul-http-port=${consul.ports.http}`, `--consul-grpc-port=${consul.ports.grpc}`];
      await startWebhook(scene, api, namespace, [...ports, ...flags]);
      return async (pod, images) => {
        const created = await api.admin.expect('POST', `/api/v1/namespaces/${namespace}/pods`, pod);
        return runPod(scene, api, created, images, network);
      };
    },
  };
}

/** A server tells the others, and every consul-dataplane, the address that it is bound to. */
function reachable({ nodeIp }: PodNetwork, options: ConsulOptions = {}): ConsulOptions {
  const addresses = { bind_addr: nodeIp, client_addr: `${nodeIp} 127.0.0.1` };
  return { ...options, configuration: { ...options.configuration, ...addresses } };
}

/**
 * Consul routes to a service when it has passed the check of its inbound port: an agent makes the first one at a random
 * moment within the interval.
 */
export async function passing(consul: Consul, service: string): Promise<void> {
  await eventually(`an instance of ${service} that passes`, async () => {
    const found = await consul.call('GET', `/v1/health/connect/${service}?passing`);
    if ((found as readonly unknown[]).length === 0) throw new Error('none passes');
  });
}

/** A pod that asks for injection, with annotations of Tandem by their names after the slash. */
export function podOf(
  name: string,
  annotations: Readonly<Record<string, string>>,
  container: Omit<V1Container, 'name'>,
  spec: object = {},
): KubernetesObject {
  const asked = { 'connect-inject': 'true', ...annotations };
  const prefixed = Object.entries(asked).map(([key, value]) => [`${PREFIX}${key}`, value]);
  return {
    metadata: { name, annotations: Object.fromEntries(prefixed) as Record<string, string> },
    spec: { containers: [{ name, ...container }], ...spec },
  };
}
