/** The containers of a pod as processes of this machine. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { delimiter, dirname } from 'node:path';
import { promisify } from 'node:util';
import type { V1Container, V1Pod, V1Probe } from '@kubernetes/client-node';
import type { PartName } from '../part-table.ts';
import { hostAndPort } from '../../../src/support/ip-address.ts';
import { partPath } from '../parts.ts';
import { containerEnvironment, expand } from './container-environment.ts';
import { askHealth } from './grpc-health.ts';
import { withFolders, type Volumes } from './pod-volumes.ts';
import { inNetwork, type ProcessSpec } from './processes.ts';

/** What a test puts in the place of a container image. */
export type Image = {
  /** Programs that are in its PATH, as are those of `folder`. */
  readonly parts?: readonly PartName[];
  readonly folder?: string;
  /** Runs when the container has no command of its own. */
  readonly entrypoint?: readonly string[];
  /** Programs by the path that they have in the image. */
  readonly programs?: Readonly<Record<string, readonly string[]>>;
  readonly environment?: Readonly<Record<string, string>>;
};

/** By repository, without the tag. */
export type Images = Readonly<Record<string, Image>>;

export type PodOnNode = {
  readonly pod: V1Pod;
  readonly ip: string;
  readonly folder: string;
  readonly volumes: Volumes;
  readonly images: Images;
  /** As of a process; undefined: the containers share the network of this machine. */
  readonly network: string | undefined;
};

export type ContainerProcess = ProcessSpec & {
  /** Its readiness probe; a container without one is ready when it has started. */
  readonly isReady: (() => Promise<boolean>) | undefined;
};

/** The process of a container; `ready` is its startup probe, which a kubelet awaits before it starts the next one. */
export function containerProcess(on: PodOnNode, container: V1Container): ContainerProcess {
  const image = imageOf(on.images, container);
  const variables = containerEnvironment(on.pod, container);
  const inFolders = (text: string): string => withFolders(text, container, on.volumes);
  const environment = {
    PATH: searchPath(image),
    ...image.environment,
    ...Object.fromEntries([...variables].map(([name, value]) => [name, inFolders(value)])),
  };
  const line = [...(container.command ?? image.entrypoint ?? []), ...(container.args ?? [])];
  const [command = '', ...args] = inImage(
    image,
    line.map((word) => inFolders(expand(word, variables))),
  );
  const check = (probe: V1Probe | undefined): (() => Promise<boolean>) | undefined =>
    probe === undefined
      ? undefined
      : () => passes(probe, on, (words) => inImage(image, words.map(inFolders)), environment);
  const ready = check(container.startupProbe);
  return {
    name: `${on.pod.metadata?.name}/${container.name}`,
    command,
    args,
    environment,
    folder: on.folder,
    network: on.network,
    ...(on.network !== undefined && isTransparent(on.pod) ? { privileges: privilegesOf(container) } : {}),
    ...(ready === undefined ? {} : { ready }),
    isReady: check(container.readinessProbe),
  };
}

function isTransparent({ spec }: V1Pod): boolean {
  return spec?.initContainers?.some(({ name }) => name === 'consul-connect-redirect') ?? false;
}

// What the files of the test need, which belong to its own user; images have files of everybody.
const FILES = ['dac_override', 'dac_read_search'];

/** Rules tell the traffic of a pod by user, and who writes them has no other capability. */
function privilegesOf({ securityContext }: V1Container): readonly string[] {
  const { runAsUser: user = 0, capabilities } = securityContext ?? {};
  if (user === 0 && capabilities === undefined) return [];
  const added = (capabilities?.add ?? []).map((name) => name.toLowerCase());
  const kept = (user === 0 ? added : FILES).map((name) => `+${name}`).join(',');
  return [
    `--reuid=${user}`,
    `--regid=${user}`,
    '--clear-groups',
    '--no-new-privs',
    `--bounding-set=-all,${kept}`,
    `--inh-caps=-all,${kept}`,
    ...(user === 0 ? [] : [`--ambient-caps=-all,${kept}`]),
  ];
}

function searchPath({ parts = [], folder }: Image): string {
  const folders = [...parts.map((part) => dirname(partPath(part))), folder, process.env['PATH']];
  return folders.filter((each) => each !== undefined).join(delimiter);
}

function imageOf(images: Images, { image = '' }: V1Container): Image {
  const found = images[image.replace(/:[^:/]*$/, '')];
  if (found === undefined) throw new Error(`nothing plays the image ${image}`);
  return found;
}

function inImage(image: Image, [program = '', ...args]: readonly string[]): readonly string[] {
  return [...(image.programs?.[program] ?? [program]), ...args];
}

/** From the node, as a kubelet asks; a command runs in the container. */
async function passes(
  probe: V1Probe,
  { ip, network }: PodOnNode,
  inContainer: (line: readonly string[]) => readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<boolean> {
  if (probe.exec !== undefined) {
    const [program = '', ...args] = [...inNetwork(network), ...inContainer(probe.exec.command ?? [])];
    await promisify(execFile)(program, args, { env: environment });
    return true;
  }
  if (probe.grpc !== undefined) return (await askHealth(ip, probe.grpc.port)) === 'SERVING';
  if (probe.httpGet !== undefined) {
    const { path = '/', port } = probe.httpGet;
    // As the kubelet counts them: from 200 to 399 is a success.
    const { status } = await fetch(`http://${hostAndPort(ip, Number(port))}${path}`, { redirect: 'manual' });
    return status >= 200 && status < 400;
  }
  const socket = connect(Number(probe.tcpSocket?.port), ip);
  await once(socket, 'connect').finally(() => socket.destroy());
  return true;
}
