/** A client in the mesh that asks a service at a steady rate, and what came of it. */
import { eventually } from '../../real/harness/eventually.ts';
import { appPod, createPod } from './app-pod.ts';
import type { Cluster } from './cluster.ts';
import { podsReady } from './ready.ts';

export type LoadOptions = {
  /** Of its pod, and of its account, which has to be there when it logs in; `load` by default. */
  readonly name?: string;
  readonly serviceAccountName?: string;
  readonly service: string;
  /** Requests a second. */
  readonly rate: number;
  /** A connection for each request, or kept ones. */
  readonly connections: 'new' | 'kept';
  /** Address and port of a Service: the load is transparent then, and dials it. By default it has an upstream. */
  readonly at?: string;
  /** How long it may run, in seconds. */
  readonly life?: number;
  /** Where it runs; anywhere by default. */
  readonly node?: string;
};

export type Load = {
  /**
   * Resolves when its Envoy has a stream of configuration. One that has lost its server, or its agent, asks the next one after
   * a growing pause of at most 30 s (Envoy, "xDS", retries of gRPC streams), and learns of no end of a pod before.
   */
  readonly connected: () => Promise<void>;
  /** Lets it wait for its last answers, and removes it. */
  readonly end: () => Promise<LoadOutcome>;
};

export type LoadOutcome = {
  /** Requests that were answered, by what the answer said. */
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
};

const UPSTREAM_PORT = 1234;
const CONNECTED = 'http://127.0.0.1:19000/stats?filter=^control_plane.connected_state$';
// Longer than any test: nothing asks on when a test has been ended.
const LIFE_SECONDS = 400;

/** One of a name at a time, in a namespace that has the apps. Resolves when it has had its first answer. */
export async function startLoad(cluster: Cluster, namespace: string, options: LoadOptions): Promise<Load> {
  const { api, kubectl } = cluster;
  const { name = 'load', service, rate, connections, at, node, serviceAccountName } = options;
  const { life = LIFE_SECONDS } = options;
  const annotations =
    at === undefined
      ? { 'connect-service-upstreams': `${service}:${UPSTREAM_PORT}` }
      : { 'transparent-proxy': 'true' };
  const pod = appPod(cluster, name, {
    app: 'load.ts',
    args: [String(rate), connections],
    env: { UPSTREAM: at ?? `127.0.0.1:${UPSTREAM_PORT}` },
    annotations,
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
  });
  const place = node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } };
  const bounds = { restartPolicy: 'Never', activeDeadlineSeconds: life };
  await createPod(cluster, namespace, { ...pod, spec: { ...pod.spec, ...place, ...bounds } });
  await podsReady(cluster, namespace, [name]);
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  const said = (pattern: RegExp): Promise<string> =>
    eventually(`the load says ${pattern.source}`, async () => {
      const { body } = await api.request('GET', `${path}/log?container=${name}`);
      const [found] = pattern.exec(String(body)) ?? [];
      if (found === undefined) throw new Error(String(body));
      return found;
    });
  await said(/^serving$/m);
  return {
    connected: () =>
      eventually(`Envoy of ${name} is connected`, async () => {
        const ask = ['node', '-e', `fetch('${CONNECTED}').then(async (to) => console.log(await to.text()))`];
        const stats = await kubectl(['exec', name, '-c', name, '-n', namespace, '--', ...ask]);
        if (!stats.includes('connected_state: 1')) throw new Error(stats);
      }),
    end: async () => {
      const signal = ['node', '-e', 'process.kill(1, "SIGTERM")'];
      await kubectl(['exec', name, '-c', name, '-n', namespace, '--', ...signal]).catch((error: unknown) => {
        // Whoever sends the signal is killed with the container if that ends first.
        if (!String(error).includes('exit code 137')) throw error;
      });
      const outcome = JSON.parse(await said(/^{.*}$/m)) as LoadOutcome;
      await kubectl(['delete', 'pod', name, '-n', namespace]);
      return outcome;
    },
  };
}
