/**
 * Runs a pod that the API server returned as a kubelet would: init containers one after the other, native sidecars until
 * the end, then the containers, each again when it ends too early; variables, commands, probes, hooks and tokens are those
 * of the pod. What differs: the containers are processes of this machine, and mount paths become folders (`withFolders`).
 * Without a `PodNetwork` a pod has a loopback address of its own for an IP (Linux serves all of 127/8), but shares
 * 127.0.0.1 and what listens on 0.0.0.0 with the others. No liveness probe is asked, and a readiness probe until it passes.
 */
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { MERGE_PATCH, type KubernetesObject } from './api-client.ts';
import type { ApiServer } from './api-server.ts';
import { containerProcess, type ContainerProcess, type Images } from './containers.ts';
import { eventually } from './eventually.ts';
import { preStop } from './hooks.ts';
import type { PodInterface, PodNetwork } from './pod-network.ts';
import { placeOnNode } from './pod-on-node.ts';
import { lastLines, type RunningProcess } from './processes.ts';
import { adminAnswer, besideOthers, startBuiltinProxy, startEnvoy, type Envoy } from './proxies.ts';
import { keepRunning, type KeptProcess } from './restarts.ts';
import type { Scene } from './scene.ts';

export type RunningPod = {
  readonly name: string;
  /** As the API server returned it when it ran. */
  readonly pod: V1Pod;
  readonly ip: string;
  /** Its address of the other family and its namespace, in a network of its own. */
  readonly link: PodInterface | undefined;
  readonly container: (name: string) => RunningProcess;
  readonly envoy: Envoy;
  /** What the admin interface of Envoy answers, in a pod with a network of its own. */
  readonly admin: (path: string, port?: number) => Promise<string>;
  /** The folder of a volume. */
  readonly volume: (name: string) => string;
  /** `start`, `ready` (its startup probe passed) and `end` of each container, in the order in which they came. */
  readonly journal: readonly string[];
  /** How often a container was started again. */
  readonly restarts: (name: string) => number;
  /** When all readiness probes pass, the condition Ready of the pod becomes true. */
  readonly ready: () => Promise<void>;
  /** When the containers have ended by themselves, and the sidecars after them. */
  readonly completed: () => Promise<void>;
  /**
   * The hooks, SIGTERM to each container behind its own, then to the native sidecars, the last one first; SIGKILL to what is
   * left after the grace period.
   */
  readonly stop: () => Promise<void>;
  /** As `kubectl delete pod`: marks it, stops it, takes it out of the API. */
  readonly remove: () => Promise<void>;
};

// The default of terminationGracePeriodSeconds.
const GRACE_SECONDS = 30;
// A kubelet waits for ever; a test that waits tells nothing.
const INIT_MILLISECONDS = 60_000;
/** Throws with the log of an init container that fails. */
export async function runPod(
  scene: Scene,
  api: ApiServer,
  created: KubernetesObject,
  images: Images,
  network?: PodNetwork,
): Promise<RunningPod> {
  const { namespace = '', name = '' } = created.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  const { on, link, reported } = await placeOnNode(scene, api, path, { images, network });
  const { spec } = on.pod;
  const journal: string[] = [];
  const sidecars: KeptProcess[] = [];
  const processes = new Map<string, () => RunningProcess>();
  const probes: (() => Promise<boolean>)[] = [];
  let envoy: Envoy | undefined;
  let isStopping = false;

  const begin = async (container: V1Container, process: ContainerProcess): Promise<RunningProcess> => {
    journal.push(`start ${container.name}`);
    const started = await startContainer(scene, process, link !== undefined);
    void started.exited.then(() => journal.push(`end ${container.name}`));
    if ('admin' in started) envoy = started;
    return started;
  };
  const startOnce = async (container: V1Container): Promise<RunningProcess> => {
    const started = await begin(container, containerProcess(on, container));
    processes.set(container.name, () => started);
    return started;
  };
  const startKept = async (container: V1Container): Promise<KeptProcess> => {
    const { ready, ...process } = containerProcess(on, container);
    if (process.isReady !== undefined) probes.push(process.isReady);
    const kept = await keepRunning(
      () => begin(container, process),
      () =>
        isStopping ||
        scene.isEnding() ||
        (spec?.restartPolicy === 'Never' && container.restartPolicy !== 'Always'),
    );
    processes.set(container.name, kept.current);
    if (ready === undefined) return kept;
    await eventually(`the startup probe of ${process.name}`, async () => {
      if (!(await ready(kept.current().log())))
        throw new Error(`it fails:\n${lastLines(kept.current().log())}`);
    });
    journal.push(`ready ${container.name}`);
    return kept;
  };
  const stop = async (containers: readonly KeptProcess[]): Promise<void> => {
    isStopping = true;
    const grace = (spec?.terminationGracePeriodSeconds ?? GRACE_SECONDS) * 1000;
    const kill = setTimeout(() => {
      for (const current of processes.values()) void current().stop('SIGKILL');
      link?.kill();
    }, grace);
    const hooks = new Map(
      (spec?.containers ?? []).map((container) => [`${name}/${container.name}`, preStop(container, on.ip)]),
    );
    await Promise.all(
      containers.map(async ({ current }) => {
        await Promise.race([hooks.get(current().name), current().exited]);
        await current().stop();
      }),
    );
    for (const sidecar of sidecars.toReversed()) await sidecar.current().stop();
    clearTimeout(kill);
  };

  for (const container of spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') sidecars.push(await startKept(container));
    else await successful(container, await startOnce(container));
  }
  const containers = await Promise.all((spec?.containers ?? []).map((container) => startKept(container)));
  await reported;
  return {
    name,
    pod: on.pod,
    ip: on.ip,
    link,
    container: (wanted) => found(processes.get(wanted), wanted)(),
    get envoy() {
      return found(envoy, 'envoy');
    },
    admin: (asked, port = ENVOY_ADMIN) => adminAnswer(port, asked, link?.path),
    volume: (wanted) => found(on.volumes.get(wanted), wanted),
    journal,
    restarts: (wanted) => journal.filter((entry) => entry === `start ${wanted}`).length - 1,
    ready: async () => {
      for (const probe of probes)
        await eventually(`the readiness of ${name}`, async () => {
          if (!(await probe())) throw new Error('a readiness probe fails');
        });
      const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
        type,
        status: 'True',
      }));
      await api.admin.expect(
        'PATCH',
        `${path}/status`,
        { status: { phase: 'Running', conditions } },
        MERGE_PATCH,
      );
    },
    completed: async () => {
      await Promise.all(containers.map(({ current }) => current().exited));
      await stop([]);
    },
    stop: () => stop(containers),
    remove: async () => {
      await api.admin.expect('DELETE', path);
      await stop(containers);
      await link?.remove();
      await api.admin.expect('DELETE', `${path}?gracePeriodSeconds=0`);
    },
  };
}

/** The admin interface of Envoy listens on it in each pod. */
const ENVOY_ADMIN = 19_000;

/** In a network of its own nothing of a proxy has to make room for those of other pods. */
function startContainer(
  scene: Scene,
  process: ContainerProcess,
  isAlone: boolean,
): Promise<RunningProcess | Envoy> {
  if (process.command === 'envoy')
    return isAlone ? scene.start(besideOthers(process)) : startEnvoy(scene, process);
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
