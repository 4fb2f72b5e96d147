/** Pods that are replaced all the time, beside a Consul that needs its time for each call: who waits, and for how long. */
import type { InjectedPod } from '../../../src/catalog/mesh/registered-pod.ts';
import { meshOf } from '../../../src/catalog/mesh/registered-pod.ts';
import { podOf } from '../catalog/mesh/injected-pods.ts';
import { SLOW_CONSUL, type ConsulLoad } from './consul-load.ts';
import { startRegistrar, type RunningRegistrar } from './running-registrar.ts';

export type Waits = {
  /** Milliseconds from the event until Consul has it. */
  readonly deletions: readonly number[];
  readonly readiness: readonly number[];
  readonly arrivals: readonly number[];
  /** Of the time that Consul had for all calls. */
  readonly busyShare: number;
  readonly reads: number;
};

type ChurnOptions = {
  readonly pods: number;
  readonly nodes: number;
  /** Pods replaced in a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly load?: ConsulLoad;
};

const MODEL = podOf({ name: 'model', uid: 'model' });

function nthPod(n: number, { nodes }: ChurnOptions): InjectedPod {
  const name = `pod-${n}`;
  const serviceId = `default.${name}.web`;
  const options = meshOf(MODEL);
  if (options === undefined || MODEL.injection.kind !== 'dataplane') throw new Error('no model');
  const mesh = {
    ok: true as const,
    services: [{ ...options, serviceId, proxyId: `${serviceId}-sidecar-proxy` }] as const,
  };
  return { ...MODEL, name, uid: name, node: `node-${n % nodes}`, injection: { ...MODEL.injection, mesh } };
}

const STEP = 20;

export async function churn(options: ChurnOptions): Promise<Waits> {
  const { pods, rate, seconds, load = SLOW_CONSUL } = options;
  const running = startRegistrar();
  const { clock, faults } = running;
  for (let n = 0; n < pods; n += 1) running.setPod(nthPod(n, options));
  await clock.advance(5000);
  faults.load = load;
  const begin = clock.elapsed();
  const [busy, reads] = [running.busy(), running.reads()];
  const watch = watchOf(running);
  const events = 1000 / rate;
  let next = 0;
  while (clock.elapsed() - begin < seconds * 1000) {
    while ((clock.elapsed() - begin) / events >= next) {
      const gone = nthPod(next + OBSERVED, options);
      running.remove(gone.name);
      watch.until('deletions', gone, undefined);
      const came = nthPod(pods + OBSERVED + next, options);
      running.setPod({ ...came, podIp: undefined, isReady: false });
      clock.after(300, () => {
        running.setPod(came);
        watch.until('arrivals', came, 'passing');
      });
      if (next % 5 === 0) {
        const observed = nthPod((next / 5) % OBSERVED, options);
        const isReady = Math.floor(next / 5 / OBSERVED) % 2 === 1;
        running.setPod({ ...observed, isReady });
        watch.until('readiness', observed, isReady ? 'passing' : 'critical');
      }
      next += 1;
    }
    await clock.advance(STEP);
    watch.look();
  }
  const [lasted, worked] = [clock.elapsed() - begin, running.busy() - busy];
  const during = running.reads() - reads;
  for (let more = 0; more < 60_000 && watch.isWaiting(); more += STEP) {
    await clock.advance(STEP);
    watch.look();
  }
  void running.stop();
  if (watch.isWaiting()) throw new Error('some changes never came');
  return { ...watch.times, busyShare: worked / (lasted * load.atATime), reads: during };
}

// Of pods that are not replaced, whose readiness changes.
const OBSERVED = 20;

function watchOf({ clock, consul }: RunningRegistrar) {
  const times = { deletions: [] as number[], readiness: [] as number[], arrivals: [] as number[] };
  const waiting: {
    readonly kind: keyof typeof times;
    readonly node: string;
    readonly id: string;
    readonly status: string | undefined;
    readonly since: number;
  }[] = [];
  return {
    times,
    isWaiting: () => waiting.length > 0,
    until: (kind: keyof typeof times, pod: InjectedPod, status: string | undefined): void => {
      const node = `k8s-c1-${pod.node}`;
      const id = meshOf(pod)?.serviceId ?? '';
      // One that was changed again has not to pass through what it was in between.
      const before = waiting.findIndex((each) => each.id === id && kind === 'readiness');
      if (before !== -1) waiting.splice(before, 1);
      waiting.push({ kind, node, id, status, since: clock.elapsed() });
    },
    look: (): void => {
      const statuses = new Map(
        consul.instances().map((text) => {
          const [node = '', id = '', status = ''] = text.split(' ');
          return [`${node} ${id}`, status];
        }),
      );
      for (const each of waiting.splice(0)) {
        if (statuses.get(`${each.node} ${each.id}`) === each.status)
          times[each.kind].push(clock.elapsed() - each.since);
        else waiting.push(each);
      }
    },
  };
}
