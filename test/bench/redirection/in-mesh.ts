/** Real Envoys at both ends: what the redirection costs a request, and how soon a Service is reached at another address. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { KubernetesObject } from '../../real/harness/api-client.ts';
import type { RunningPod } from '../../real/harness/kubelet.ts';
import { enterOwnNetwork, needRoot, startPodNetwork } from '../../real/harness/pod-network.ts';
import { inNetwork } from '../../real/harness/processes.ts';
import type { Scene } from '../../real/harness/scene.ts';
import { passing, podOf, startMesh } from '../../real/mesh/mesh.ts';
import { figure, median } from '../figure.ts';
import { NAMESPACE, OWNER } from '../registrar/sample-pods.ts';
import { withScene } from '../sync/bench-scene.ts';
import { syncProcesses } from '../sync/sync-process.ts';
import { hasWrk } from '../webhook/load.ts';
import { benchNewAddress, NAME, serve } from './new-address.ts';

needRoot();
enterOwnNetwork();

const short = process.argv.includes('--short');
const [PODS, ADDRESSES] = short ? [20, 1] : [100, 20];
const [ROUNDS, SECONDS] = short ? [1, 1] : [7, 5];
const PROBER = join(import.meta.dirname, 'prober.ts');
const SERVER = { image: 'example/server', ports: [{ name: 'http', containerPort: 8080 }] };
const IMAGES = {
  'example/redirect': {},
  'example/server': {
    entrypoint: [process.execPath, join(import.meta.dirname, '../../real/redirection/server.ts')],
  },
};
const EXPLICIT = { 'transparent-proxy': 'false' };

await withScene(['etcd', 'kube-apiserver', 'consul', 'envoy', 'nft'], async (scene) => {
  const network = await startPodNetwork(scene);
  const [{ api, consul, inject }, startSync] = await Promise.all([
    startMesh(scene, {}, network),
    syncProcesses(scene),
  ]);
  const run = await inject(NAMESPACE, ['--transparent-proxy', '--redirect-image=example/redirect:1']);
  const sync = await startSync({
    kubeconfig: api.kubeconfig(),
    consul: consul.url,
    flags: ['--registrar', `--owner=${OWNER}`, `--agent-http-port=${consul.ports.http}`],
  });
  const start = async (pod: KubernetesObject): Promise<RunningPod> => {
    const running = await run(pod, IMAGES);
    await running.ready();
    return running;
  };
  const front = podOf(NAME, {}, SERVER);
  const [web, client, , dialer] = await Promise.all([
    start({ ...front, metadata: { ...front.metadata, labels: { app: NAME } } }),
    start(podOf('client', {}, SERVER)),
    start(podOf('plain', EXPLICIT, SERVER)),
    start(podOf('dialer', { ...EXPLICIT, 'connect-service-upstreams': 'plain:5000' }, SERVER)),
  ]);
  await Promise.all([passing(consul, NAME), passing(consul, 'plain')]);
  const reach = prober(client, scene.atEnd);
  const [address, upstream] = [await serve(api), '127.0.0.1:5000'];
  await Promise.all([reach(address), prober(dialer, scene.atEnd)(upstream)]);
  if (await hasWrk) await benchRequests([client, address], [dialer, upstream]);
  else
    process.stdout.write(
      'redirection: requests through both sidecars are measured with wrk (apt-get install wrk)\n',
    );
  await benchNewAddress({ api, consul, sync, reach, web: networkOf(web) }, PODS, ADDRESSES);
});

function networkOf(pod: RunningPod): string {
  return `/proc/${pod.container(pod.name).pid}/ns/net`;
}

/** Resolves when a client in the pod has an answer of that address. */
function prober(pod: RunningPod, atEnd: Scene['atEnd']): (address: string) => Promise<unknown> {
  const [program, ...args] = [...inNetwork(networkOf(pod)), process.execPath, PROBER];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(() => child.kill());
  const answers = createInterface({ input: child.stdout });
  return (address) => {
    child.stdin.write(`${address}\n`);
    return once(answers, 'line');
  };
}

type Way = readonly [client: RunningPod, address: string];

/** In turns, and compared with the next: whatever else the machine does, it does to both. */
async function benchRequests(redirected: Way, explicit: Way): Promise<void> {
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1)
    ratios.push((await rateOf(redirected)) / (await rateOf(explicit)));
  figure(
    'redirection: requests through both sidecars / by explicit upstreams',
    median(ratios),
    'ratio',
    'goal >= 0.95; 16 connections',
  );
}

/** Requests a second. */
async function rateOf([pod, address]: Way): Promise<number> {
  const load = ['wrk', '-t1', '-c16', `-d${SECONDS}s`, `http://${address}/healthz`];
  const [program = '', ...args] = [...inNetwork(networkOf(pod)), ...load];
  const { stdout } = await promisify(execFile)(program, args);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
}
