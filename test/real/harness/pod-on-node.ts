/** A pod comes to a node: the binding of the scheduler, then network, address and volumes as the kubelet makes them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { MERGE_PATCH } from './api-client.ts';
import type { ApiServer } from './api-server.ts';
import type { Images, PodOnNode } from './containers.ts';
import type { PodInterface, PodNetwork } from './pod-network.ts';
import { mountVolumes } from './pod-volumes.ts';
import type { Scene } from './scene.ts';

export type PlacedPod = {
  /** What the kubelet knows before the first container starts. */
  readonly on: PodOnNode;
  readonly link: PodInterface | undefined;
  /** The API server knows the address too. */
  readonly reported: Promise<void>;
};

type Node = { readonly name: string; readonly ip: string };
type Placement = { readonly node: Node; readonly link: PodInterface | undefined; readonly images: Images };

const NODE: Node = { name: 'node-1', ip: '127.0.0.1' };
// From the binding of a pod to its first container and its address: 0.75 s on a real node (containerd, kindnet).
const SANDBOX_MILLISECONDS = 500;
const SIDECAR_IMAGES: Images = {
  'hashicorp/consul': { parts: ['consul'] },
  'envoyproxy/envoy': { parts: ['envoy'] },
};

/** @param path of the pod in the API */
export async function placeOnNode(
  scene: Scene,
  api: ApiServer,
  path: string,
  { images, network }: { readonly images: Images; readonly network: PodNetwork | undefined },
): Promise<PlacedPod> {
  const node = network === undefined ? NODE : { ...NODE, ip: network.nodeIp };
  const name = path.split('/').at(-1);
  await api.admin.expect('POST', `${path}/binding`, { metadata: { name }, target: { name: node.name } });
  const [link] = await Promise.all([network?.add(), network && delay(SANDBOX_MILLISECONDS)]);
  const on = await onNode(scene, api, path, { node, link, images });
  return { on, link, reported: reportAddress(api, path, on, node) };
}

async function onNode(
  scene: Scene,
  api: ApiServer,
  path: string,
  { node, link, images }: Placement,
): Promise<PodOnNode> {
  const ip = link?.ip ?? podIp();
  const bound = await api.admin.expect('GET', path);
  const status = { ...(bound['status'] as object), ...addressesOf(ip, node) };
  const pod = { ...bound, status } as V1Pod;
  const folder = join(scene.folder, `pod-${pod.metadata?.uid}`);
  mkdirSync(folder);
  const volumes = await mountVolumes(api, pod, folder);
  return { pod, ip, folder, volumes, images: { ...SIDECAR_IMAGES, ...images }, network: link?.path };
}

async function reportAddress(api: ApiServer, path: string, { ip }: PodOnNode, node: Node): Promise<void> {
  await api.admin.expect('PATCH', `${path}/status`, { status: addressesOf(ip, node) }, MERGE_PATCH);
}

function addressesOf(ip: string, node: Node) {
  return { podIP: ip, podIPs: [{ ip }], hostIP: node.ip, hostIPs: [{ ip: node.ip }] };
}

/** Test files run side by side, so the addresses are drawn from 16 million and not counted up. */
function podIp(): string {
  const byte = (): number => 1 + Math.floor(Math.random() * 254);
  return `127.${byte()}.${byte()}.${byte()}`;
}
