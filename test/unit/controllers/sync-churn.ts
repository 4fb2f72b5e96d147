/** Pods of Services in one namespace that are replaced all the time, beside a Consul that needs its time for each call. */
import { SLOW_CONSUL, type ConsulLoad } from './consul-load.ts';
import { startSync, type RunningSync } from './running-sync.ts';

export type Waits = {
  /** Milliseconds from the event until Consul has it. */
  readonly removals: readonly number[];
  readonly readiness: readonly number[];
  readonly arrivals: readonly number[];
  /** Of the time that Consul had for all calls. */
  readonly busyShare: number;
};

type ChurnOptions = {
  readonly services: number;
  /** Pods replaced in a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly load?: ConsulLoad;
};

const STEP = 20;
const ENDPOINTS = 3;
// Of Services whose pods are not replaced, one of which is ready or not.
const OBSERVED = 10;

export async function churn(options: ChurnOptions): Promise<Waits> {
  const { services, rate, seconds, load = SLOW_CONSUL } = options;
  const run = startSync();
  const { clock } = run;
  const pods = Array.from({ length: services }, (_, service) =>
    Array.from({ length: ENDPOINTS }, (_endpoint, pod) => addressOf(service * ENDPOINTS + pod)),
  );
  const set = (service: number, notReady: readonly string[] = []): void =>
    run.setService(`web-${service}`, pods[service], { notReady });
  for (let service = 0; service < services; service += 1) set(service);
  await clock.advance(60_000);
  run.faults.load = load;
  const [begin, busy] = [clock.elapsed(), run.busy()];
  const watch = watchOf(run);
  let next = 0;
  while (clock.elapsed() - begin < seconds * 1000) {
    for (; next <= ((clock.elapsed() - begin) / 1000) * rate; next += 1) {
      const service = OBSERVED + (next % (services - OBSERVED));
      const came = addressOf(services * ENDPOINTS + next);
      watch.until('removals', pods[service]?.shift() ?? '', undefined);
      pods[service]?.push(came);
      set(service);
      watch.until('arrivals', came, 'passing');
      if (next % 5 !== 0) continue;
      const observed = (next / 5) % OBSERVED;
      const [first = ''] = pods[observed] ?? [];
      const isReady = Math.floor(next / 5 / OBSERVED) % 2 === 1;
      set(observed, isReady ? [] : [first]);
      watch.until('readiness', first, isReady ? 'passing' : 'critical');
    }
    await clock.advance(STEP);
    watch.look();
  }
  const busyShare = (run.busy() - busy) / ((clock.elapsed() - begin) * load.atATime);
  for (let more = 0; more < 60_000 && watch.isWaiting(); more += STEP) {
    await clock.advance(STEP);
    watch.look();
  }
  void run.stop();
  if (watch.isWaiting()) throw new Error('some changes never came');
  return { ...watch.times, busyShare };
}

function addressOf(pod: number): string {
  return `10.${pod >> 16}.${(pod >> 8) & 255}.${pod & 255}`;
}

function watchOf({ clock, statuses }: RunningSync) {
  const times = { removals: [] as number[], readiness: [] as number[], arrivals: [] as number[] };
  const waiting = new Map<
    string,
    {
      readonly kind: keyof typeof times;
      readonly address: string;
      readonly status: string | undefined;
      readonly since: number;
    }
  >();
  return {
    times,
    isWaiting: () => waiting.size > 0,
    /** One that is changed again has not to pass through what it was in between. */
    until: (kind: keyof typeof times, address: string, status: string | undefined): void => {
      waiting.set(address, { kind, address, status, since: clock.elapsed() });
    },
    look: (): void => {
      const known = statuses();
      for (const { kind, address, status, since } of waiting.values()) {
        if (known.get(address) !== status) continue;
        times[kind].push(clock.elapsed() - since);
        waiting.delete(address);
      }
    },
  };
}
