/** The registrar between a cluster and a Consul that a test holds in its hands. */
import type { MeshAccount, MeshNode, MeshService } from '../../../src/catalog/mesh/mesh-cluster.ts';
import type { InjectedPod } from '../../../src/catalog/mesh/registered-pod.ts';
import { createPodSnapshot, type Touched } from '../../../src/controllers/pod-snapshot.ts';
import { createAddressBook, type AddressHolder } from '../../../src/controllers/address-book.ts';
import {
  createRegistrar,
  type Registrar,
  type RegistrarOptions,
} from '../../../src/controllers/registrar-loop.ts';
import { createPodStatuses, type PodStatus } from '../../../src/controllers/pod-statuses.ts';
import type { ConnectWrite, RegistrarChange } from '../../../src/controllers/registrar-ports.ts';
import { createConsulNodes, type ConsulNodes } from '../catalog/mesh/consul-nodes.ts';
import { podOf, type PodSketch } from '../catalog/mesh/injected-pods.ts';
import { createConsulWork, type ConsulLoad } from './consul-load.ts';
import { serviceOf } from './pod-events.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export type Faults = {
  /** Thrown instead of reads of this node, or of all (`*`); `wholeOnly` leaves those of a few instances. */
  read?: { readonly node: string; readonly error: Error; readonly wholeOnly?: boolean } | undefined;
  /** Thrown after the write was applied (`lost`), or instead of it. */
  write?: { readonly error: Error; readonly lost: boolean } | undefined;
  /** Milliseconds that every write takes. */
  slow?: number;
  /** Consul works on each call for so long, on so many at a time. */
  load?: ConsulLoad | undefined;
  refresh?: Error | undefined;
  /** Ids that Consul does not take. */
  refused?: ReadonlySet<string>;
};

export type RunningRegistrar = {
  readonly clock: VirtualClock;
  readonly consul: ConsulNodes;
  readonly registrar: Registrar;
  readonly faults: Faults;
  /** `<action> <id>` of every write that was asked for. */
  readonly writes: string[];
  readonly reads: () => number;
  /** Those that were of all that is on a node. */
  readonly wholeReads: () => number;
  /** Milliseconds for which Consul has worked. */
  readonly busy: () => number;
  /** Reads of the checks of all nodes. */
  readonly looks: () => number;
  /** Somebody else writes. */
  readonly interfere: (write: (consul: ConsulNodes) => void) => void;
  /** Services of which Consul was asked who has their addresses. */
  readonly asked: readonly string[];
  /** Services whose pods were looked for. */
  readonly lookedBehind: readonly string[];
  readonly changes: readonly RegistrarChange[];
  readonly seconds: readonly (number | undefined)[];
  readonly failures: readonly unknown[];
  readonly refusals: readonly string[];
  /** Names of nodes, once for each time. */
  readonly unreadable: readonly string[];
  readonly guards: readonly { readonly removals: number }[];
  readonly statuses: ReadonlyMap<string, readonly PodStatus[]>;
  /** A pod came or changed; the same name with another UID is a deletion and a creation. */
  readonly set: (sketch: PodSketch) => InjectedPod;
  /** The same with a pod that is made already. */
  readonly setPod: (pod: InjectedPod) => void;
  readonly node: (node: MeshNode) => void;
  /** A Service of these pods came or changed; without a selector it is gone. */
  readonly service: (
    name: string,
    selector: Readonly<Record<string, string>> | undefined,
    address?: string,
  ) => void;
  /** The service that a ServiceAccount names. */
  readonly account: (name: string, service: string | undefined) => void;
  /** A pod is gone, without or with a deletion timestamp before. */
  readonly remove: (name: string, how?: 'announced' | 'sudden') => void;
  readonly listed: () => void;
  readonly stop: () => Promise<void>;
};

export function startRegistrar(
  { podsLogIn = false, ...options }: Partial<RegistrarOptions> & { readonly podsLogIn?: boolean } = {},
  consul = createConsulNodes(),
  isListed = true,
): RunningRegistrar {
  const clock = createVirtualClock();
  const snapshot = createPodSnapshot({ owner: options.owner ?? 'c1', namesFollowServices: true, podsLogIn });
  const services = new Map<string, MeshService>();
  const accounts = new Map<string, string | undefined>();
  const faults: Faults = {};
  const listed = Promise.withResolvers<void>();
  if (isListed) listed.resolve();
  let listener: (touched: Touched) => void = () => undefined;
  let watcher = (): void => undefined;
  let reads = 0;
  let looks = 0;
  const record = {
    writes: [] as string[],
    changes: [] as RegistrarChange[],
    seconds: [] as (number | undefined)[],
    failures: [] as unknown[],
    refusals: [] as string[],
    unreadable: [] as string[],
    guards: [] as { readonly removals: number }[],
    statuses: new Map<string, readonly PodStatus[]>(),
  };
  const { done: work, busy } = createConsulWork(clock, () => faults.load);
  let wholeReads = 0;
  const read = async (node: string, ids?: readonly string[]): Promise<ReturnType<ConsulNodes['read']>> => {
    reads += 1;
    if (ids === undefined) wholeReads += 1;
    await work('read', ids?.length ?? consul.read(node).instances.length);
    const isSpared = ids !== undefined && faults.read?.wholeOnly === true;
    if (faults.read !== undefined && ['*', node].includes(faults.read.node) && !isSpared)
      throw faults.read.error;
    const { node: found, instances } = consul.read(node);
    return { node: found, instances: instances.filter(({ id }) => ids?.includes(id) ?? true) };
  };
  const write = async (
    text: string,
    written: string | readonly string[],
    apply: () => void,
    held: readonly string[] = [],
  ): Promise<ConnectWrite> => {
    const ids = [written].flat();
    const lines = text === 'register' ? ids : [ids.join(' ')];
    record.writes.push(...lines.map((line) => `${text} ${line}`));
    const { slow, write: fault } = faults;
    const size = ids.length + held.length;
    await work(size > 1 ? 'transaction' : 'register', size);
    if (slow !== undefined) await new Promise<void>((resolve) => void clock.after(slow, resolve));
    if (fault?.lost === false) throw fault.error;
    const bad = [...ids, ...held].find((id) => faults.refused?.has(id) === true);
    if (bad !== undefined) return { kind: 'refused', reason: `bad ${bad}` };
    apply();
    queueMicrotask(watcher);
    if (fault !== undefined) throw fault.error;
    return { kind: 'applied' };
  };
  const asked: string[] = [];
  const holders = async (service: string): Promise<readonly AddressHolder[]> => {
    asked.push(service);
    return consul.holders(service);
  };
  const lookedBehind: string[] = [];
  snapshot.servicesListed();
  const addresses = createAddressBook({
    snapshot: {
      ...snapshot,
      namesBehind: (service) => {
        lookedBehind.push(service.name);
        return snapshot.namesBehind(service);
      },
    },
    holders,
    loops: ['registrar'],
  });
  const registrar = createRegistrar(
    {
      clock,
      random: () => 0.5,
      statuses: createPodStatuses(snapshot.cluster, addresses.statusOf),
      addresses,
      source: {
        snapshot,
        synced: () => listed.promise,
        onChange: (call) => {
          listener = call;
          return () => undefined;
        },
        refresh: async () => {
          if (faults.refresh !== undefined) throw faults.refresh;
        },
      },
      catalog: {
        nodes: async (owner) => {
          if (faults.read?.node === '*') throw faults.read.error;
          await work('nodes', consul.nodes().length);
          return consul.nodes().filter((node) => consul.read(node).node?.meta['tandem-owner'] === owner);
        },
        read: async (node, _signal, ids) => read(node, ids),
        checks: async () => {
          looks += 1;
          await work('checks', [...snapshot.pods()].length * 2);
          if (faults.read?.node === '*') throw faults.read.error;
          return new Map(
            consul
              .nodes()
              .map((node) => [
                node,
                new Map(
                  consul
                    .read(node)
                    .instances.flatMap(({ check }) =>
                      check === undefined ? [] : [[check.id, check.status]],
                    ),
                ),
              ]),
          );
        },
        holders,
        watch: async (onChange, signal) => {
          watcher = onChange;
          if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
        writeNode: (node, owner) => write('write-node', node.name, () => consul.writeNode(node, owner)),
        register: (each, owner) => write('register', each.id, () => consul.register(each, owner)),
        setChecks: (checks) =>
          write(
            'checks',
            [...new Set(checks.map(({ node }) => node))],
            () => {
              for (const { node, id, check } of checks) consul.setCheck(node, id, check);
            },
            checks.map(({ id }) => id),
          ),
        registerServices: (registrations) =>
          write(
            'register',
            registrations.map(({ id }) => id),
            () => {
              for (const each of registrations) consul.register(each, options.owner ?? 'c1');
            },
          ),
        deregister: (instances) =>
          write(
            'deregister',
            instances.map(({ id }) => id),
            () => {
              for (const { node, id } of instances) consul.deregister(node, id);
            },
          ),
        removeNode: (node) => write('remove-node', node, () => consul.removeNode(node)),
      },
      reporter: {
        planned: () => undefined,
        applied: (change, seconds) => {
          record.changes.push(change);
          record.seconds.push(seconds);
        },
        refused: ({ id }) => record.refusals.push(id),
        unreadable: ({ name }) => record.unreadable.push(name),
        pods: (node, statuses) => record.statuses.set(node, statuses),
        guarded: (held) => record.guards.push(held),
        released: () => undefined,
        failed: (error) => record.failures.push(error),
        succeeded: () => undefined,
      },
    },
    { owner: 'c1', resync: 600_000, dryRun: false, once: false, ...options },
  );
  const ending = new AbortController();
  const running = registrar.run(ending.signal);
  const change = (before: InjectedPod | undefined, after: InjectedPod | undefined): void =>
    listener(snapshot.podChanged(before, after));
  const podNamed = (name: string): InjectedPod | undefined => snapshot.pod(`Pod/default/${name}`);

  return {
    clock,
    consul,
    registrar,
    faults,
    ...record,
    asked,
    lookedBehind,
    reads: () => reads,
    wholeReads: () => wholeReads,
    busy,
    looks: () => looks,
    interfere: (edit) => {
      edit(consul);
      watcher();
    },
    set: (sketch) => {
      const after = podOf(sketch);
      const before = podNamed(after.name);
      if (before !== undefined && before.uid !== after.uid) {
        change(before, undefined);
        change(undefined, after);
      } else change(before, after);
      return after;
    },
    setPod: (after) => change(podNamed(after.name), after),
    service: (name, selector, address) => {
      const after = selector && serviceOf(name, selector, address);
      listener(snapshot.serviceChanged(services.get(name), after));
      if (after === undefined) services.delete(name);
      else services.set(name, after);
    },
    account: (name, service) => {
      const account = (of: string | undefined): MeshAccount => ({ namespace: 'default', name, service: of });
      const before = accounts.has(name) ? account(accounts.get(name)) : undefined;
      listener(snapshot.accountChanged(before, account(service)));
      accounts.set(name, service);
    },
    node: (node) => listener(snapshot.nodeChanged(snapshot.cluster.node(node.name), node)),
    remove: (name, how = 'announced') => {
      const before = podNamed(name);
      if (before === undefined) throw new Error(`no pod ${name}`);
      if (how === 'sudden') return change(before, undefined);
      const terminating: InjectedPod = { ...before, stage: 'terminating' };
      change(before, terminating);
      change(terminating, undefined);
    },
    listed: () => listed.resolve(),
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}
