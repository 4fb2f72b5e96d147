/** Many Services that change all the time, and what Consul shall have of them. */
import assert from 'node:assert/strict';
import type { ClusterObjects } from './cluster-objects.ts';
import type { Consul } from './consul.ts';
import { eventually } from './eventually.ts';

export type Population = {
  /** So many Services of so many endpoints. */
  readonly create: (services: number, endpoints: number) => Promise<void>;
  /** Another number of endpoints, whatever the API server does meanwhile. */
  readonly change: (service: string, endpoints: number) => Promise<void>;
  /** One Service after the other has three endpoints or four, until the answer is called. */
  readonly churn: () => () => Promise<void>;
  readonly names: () => readonly string[];
  /** One line for each instance, sorted. */
  readonly expected: () => readonly string[];
  /** What was removed by other means. */
  readonly forget: (services: readonly string[]) => void;
};

const PORT = 8080;
// Of three and four endpoints at most a quarter goes, whatever is missed: less than the deletion guard holds back.
const LEAST = 3;
// More than a dozen changes a second: some of them in each of the shortest faults.
const PAUSE_MILLISECONDS = 60;
const AT_A_TIME = 8;

/** @param prefix of the names; the second number of the addresses is the network */
export function population(cluster: ClusterObjects, prefix = 'shop', network = 20): Population {
  const wanted = new Map<string, readonly string[]>();
  const addresses = (service: string, count: number): readonly string[] => {
    const number = Number(service.slice(prefix.length + 1));
    return Array.from(
      { length: count },
      (_, index) => `10.${network}.${number % 250}.${Math.floor(number / 250) * 10 + index + 1}`,
    );
  };
  const change = async (service: string, count: number): Promise<void> => {
    const places = addresses(service, count);
    wanted.set(service, places);
    const endpoints = places.map((address) => ({ address }));
    await eventually(`${count} endpoints of ${service}`, () => cluster.endpoints(service, PORT, endpoints));
  };
  const add = async (index: number, endpoints: number): Promise<void> => {
    const service = `${prefix}-${index}`;
    await cluster.service(service, { ports: [{ port: 80 }] });
    await change(service, endpoints);
  };
  return {
    create: async (services, endpoints) => {
      const left = Array.from({ length: services }, (_, index) => index).values();
      const worker = async (): Promise<void> => {
        for (const index of left) await add(index, endpoints);
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    },
    change,
    churn: () => {
      const ending = new AbortController();
      const run = async (): Promise<void> => {
        for (let step = 0; !ending.signal.aborted; step += 1) {
          const service = [...wanted.keys()][step % wanted.size] ?? '';
          await change(service, wanted.get(service)?.length === LEAST ? LEAST + 1 : LEAST);
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
        }
      };
      const running = run();
      return () => {
        ending.abort();
        return running;
      };
    },
    names: () => [...wanted.keys()],
    expected: () =>
      [...wanted]
        .flatMap(([service, places]) => places.map((address) => `${service} ${address}:${PORT} passing`))
        .toSorted(),
    forget: (services) => {
      for (const each of services) wanted.delete(each);
    },
  };
}

/** One line for each instance on a node of Consul, sorted: a duplicate is there twice. */
export async function instancesOn(consul: Pick<Consul, 'call'>, node: string): Promise<readonly string[]> {
  const [{ Services }, checks] = (await Promise.all([
    consul.call('GET', `/v1/catalog/node-services/${node}?consistent`),
    consul.call('GET', `/v1/health/node/${node}?consistent`),
  ])) as [
    { Services: { ID: string; Service: string; Address: string; Port: number }[] | null },
    { ServiceID: string; Status: string }[],
  ];
  const statuses = new Map(checks.map(({ ServiceID, Status }) => [ServiceID, Status]));
  return (Services ?? [])
    .map(
      ({ ID, Service, Address, Port }) =>
        `${Service} ${Address}:${Port} ${statuses.get(ID) ?? 'without a check'}`,
    )
    .toSorted();
}

/** Resolves when Consul has exactly what the population says, with the milliseconds that it took. */
export async function converged(
  consul: Pick<Consul, 'call'>,
  node: string,
  { expected }: Pick<Population, 'expected'>,
): Promise<number> {
  const start = performance.now();
  await eventually(`what Consul shall have on ${node}`, async () =>
    assert.deepEqual(await instancesOn(consul, node), expected()),
  );
  return Math.round(performance.now() - start);
}
