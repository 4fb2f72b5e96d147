/**
 * Runs a pod that the API server returned as a kubelet would: init containers one after the other, native sidecars until
 * the end, then the containers; variables, commands, probes and tokens are those of the pod. What differs: the containers
 * are processes of this machine. So each pod has a loopback address of its own for an IP (Linux serves all of 127/8), but
 * shares 127.0.0.1 with the others, and mount paths become folders (`withFolders`).
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { MERGE_PATCH, type KubernetesObject } from './api-client.ts';
import type { ApiServer } from './api-server.ts';
import { containerProcess, type Images, type PodOnNode } from './containers.ts';
import { mountVolumes } from './pod-volumes.ts';
import { lastLines, type RunningProcess } from './processes.ts';
import { startBuiltinProxy, startEnvoy, type Envoy } from './proxies.ts';
import type { Scene } from './scene.ts';

export type RunningPod = {
  readonly name: string;
  /** As the API server returned it when it ran. */
  readonly pod: V1Pod;
  readonly ip: string;
  readonly container: (name: string) => RunningProcess;
  readonly envoy: Envoy;
  /** The folder of a volume. */
  readonly volume: (name: string) => string;
  /** `start`, `ready` (its startup probe passed) and `end` of each container, in the order in which they came. */
  readonly journal: readonly string[];
  /** When the containers have ended by themselves, and the sidecars after them. */
  readonly completed: () => Promise<void>;
  /** SIGTERM to the containers, then to the sidecars, the last one first; SIGKILL to what is left after 30 s. */
  readonly stop: () => Promise<void>;
};

const NODE = { name: 'node-1', ip: '127.0.0.1' };
// The default of terminationGracePeriodSeconds.
const GRACE_MILLISECONDS = 30_000;
// A kubelet waits for ever; a test that waits tells nothing.
const INIT_MILLISECONDS = 60_000;
const SIDECAR_IMAGES: Images = {
  'hashicorp/consul': { parts: ['consul'] },
  'envoyproxy/envoy': { parts: ['envoy'] },
};

/** Throws with the log of an init container that fails. */
export async function runPod(
  scene: Scene,
  api: ApiServer,
  created: KubernetesObject,
  images: Images,
): Promise<RunningPod> {
  const on = await onNode(scene, api, created, images);
  const { spec, metadata: { name = '' } = {} } = on.pod;
  const journal: string[] = [];
  const sidecars: RunningProcess[] = [];
  const processes = new Map<string, RunningProcess>();
  let envoy: Envoy | undefined;

  const start = async (container: V1Container): Promise<RunningProcess> => {
    journal.push(`start ${container.name}`);
    const process = containerProcess(on, container);
    const started = await startContainer(scene, process);
    if (process.ready !== undefined) journal.push(`ready ${container.name}`);
    void started.exited.then(() => journal.push(`end ${container.name}`));
    if ('admin' in started) envoy = started;
    processes.set(container.name, started);
    return started;
  };
  const stop = async (containers: readonly RunningProcess[]): Promise<void> => {
    const kill = setTimeout(() => {
      for (const each of processes.values()) void each.stop('SIGKILL');
    }, GRACE_MILLISECONDS);
    await Promise.all(containers.map((each) => each.stop()));
    for (const sidecar of sidecars.toReversed()) await sidecar.stop();
    clearTimeout(kill);
  };

  for (const container of spec?.initContainers ?? []) {
    const started = await start(container);
    if (container.restartPolicy === 'Always') sidecars.push(started);
    else await successful(container, started);
  }
  const containers = await Promise.all((spec?.containers ?? []).map((container) => start(container)));
  return {
    name,
    pod: on.pod,
    ip: on.ip,
    container: (wanted) => found(processes.get(wanted), wanted),
    get envoy() {
      return found(envoy, 'envoy');
    },
    volume: (wanted) => found(on.volumes.get(wanted), wanted),
    journal,
    completed: async () => {
      await Promise.all(containers.map(({ exited }) => exited));
      await stop([]);
    },
    stop: () => stop(containers),
  };
}

/** What scheduler and kubelet write of a pod before its first container starts. */
async function onNode(
  scene: Scene,
  api: ApiServer,
  created: KubernetesObject,
  images: Images,
): Promise<PodOnNode> {
  const { namespace = '', name = '', uid = '' } = created.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  await api.admin.expect('POST', `${path}/binding`, { metadata: { name }, target: { name: NODE.name } });
  const ip = podIp();
  const status = { podIP: ip, podIPs: [{ ip }], hostIP: NODE.ip, hostIPs: [{ ip: NODE.ip }] };
  const pod = (await api.admin.expect('PATCH', `${path}/status`, { status }, MERGE_PATCH)) as V1Pod;
  const folder = join(scene.folder, `pod-${uid}`);
  mkdirSync(folder);
  const volumes = await mountVolumes(api, pod, folder);
  return { pod, ip, folder, volumes, images: { ...SIDECAR_IMAGES, ...images } };
}

/** Test files run side by side, so the addresses are drawn from 16 million and not counted up. */
function podIp(): string {
  const byte = (): number => 1 + Math.floor(Math.random() * 254);
  return `127.${byte()}.${byte()}.${byte()}`;
}

function startContainer(
  scene: Scene,
  process: ReturnType<typeof containerProcess>,
): Promise<RunningProcess | Envoy> {
  if (process.command === 'envoy') return startEnvoy(scene, process);
  if (process.command === 'consul') return startBuiltinProxy(scene, process);
  return scene.start(process);
}

async function successful(container: V1Container, started: RunningProcess): Promise<void> {
  let isTooLong = false;
  const deadline = setTimeout(() => {
    isTooLong = true;
    void started.stop('SIGKILL');
  }, INIT_MILLISECONDS);
  const { code } = await started.exited;
  clearTimeout(deadline);
  if (code === 0) return;
  const end = isTooLong ? 'did not end in 60 s' : `ended with ${code}`;
  throw new Error(`init container ${container.name} ${end}:\n${lastLines(started.log())}`);
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the pod has no ${name}`);
  return value;
}
