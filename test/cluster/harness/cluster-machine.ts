/** A whole cluster on this machine: its parts in the order in which they come up. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { clusterImages } from '../images/all.ts';
import type { AddressPlan } from './address-plan.ts';
import { createAddons, createNodes } from './addons.ts';
import { exclusively, storesRoot, type ClusterFolder } from './cluster-folder.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import type { StartDaemon } from './daemons.ts';
import { copyStore, imageStore } from './image-store.ts';
import { provisionLocalVolumes } from './local-volumes.ts';
import type { Network } from './network.ts';
import { clusterNode, type ClusterNode } from './node.ts';
import { createPki, type Pki } from './pki.ts';
import { waitForDns, waitForNode } from './readiness.ts';

const SANDBOX_IMAGE = 'pause:local';
const DNS_IMAGE = 'coredns:local';

export type ClusterMachine = {
  readonly startNode: (name: string) => Promise<void>;
  readonly stopNode: (name: string) => Promise<void>;
  /** On every node that runs. */
  readonly importImages: (archive: string) => Promise<void>;
};

export type Surroundings = {
  readonly plan: AddressPlan;
  readonly network: Network;
  readonly folder: ClusterFolder;
  readonly start: StartDaemon;
  /** One step is done, for people to read. */
  readonly say: (text: string) => void;
  /** Something went wrong that a running cluster goes on after. */
  readonly onTrouble: (text: string) => void;
  /** Called at the end, the last one first. */
  readonly atEnd: (end: () => Promise<void>) => void;
  /** Aborted when the cluster is to end before it is up. */
  readonly signal: AbortSignal;
};

/**
 * Rejects with the logs of what did not come up, or when the signal is aborted. The ends that `atEnd` got are then still to be
 * called.
 */
export async function startCluster(around: Surroundings): Promise<ClusterMachine> {
  const { plan, network, folder, start, say, onTrouble, atEnd, signal } = around;
  const next = <T>(value: T): T => {
    signal.throwIfAborted();
    return value;
  };
  const pki = next(await createPki(join(folder.path, 'pki'), plan));
  const [controlPlane] = next(
    await allOrNone([startControlPlane(start, folder.path, plan, pki, say, signal), imagesOnNodes(around)]),
  );
  const { admin, writeKubeconfig } = controlPlane;
  writeKubeconfig(folder.kubeconfig, pki.admin);
  await createNodes(admin, plan);
  const routeToRunning = async (): Promise<void> => {
    const gateway = nodes.find((node) => node.isRunning());
    if (gateway !== undefined) await network.routeServices(gateway.addresses.address);
  };
  const nodes = nodesOf(around, pki, controlPlane, (message) => {
    onTrouble(message);
    routeToRunning().catch((error: unknown) => onTrouble((error as Error).message));
  });
  atEnd(async () => void (await Promise.all(nodes.map((node) => node.stop()))));
  await allOrNone(nodes.map((node) => node.start()));
  next(await network.routeServices(plan.nodes[0]?.address ?? ''));
  await createAddons(admin, plan, DNS_IMAGE);
  const volumes = provisionLocalVolumes(
    admin,
    folder.kubeconfig,
    (name) => (nodes.some(({ addresses }) => addresses.name === name) ? nodeFolder(folder, name) : undefined),
    (error) => onTrouble(error.message),
  );
  atEnd(() => volumes.stop());
  await Promise.all(nodes.map((node) => waitForNode(admin, node, signal)));
  say('both nodes are Ready');
  await waitForDns(admin, nodes, signal);
  say('DNS answers');
  return clusterMachine(nodes, routeToRunning);
}

/** Rejects only when nothing of it goes on: what follows takes back what it works on. */
async function allOrNone<T extends readonly unknown[]>(work: {
  readonly [Index in keyof T]: Promise<T[Index]>;
}): Promise<T> {
  await Promise.allSettled(work);
  return Promise.all(work) as Promise<unknown> as Promise<T>;
}

/** Alone: others may put another store in the place of this one. */
async function imagesOnNodes({ plan, folder, say, signal }: Surroundings): Promise<void> {
  const root = storesRoot();
  mkdirSync(root, { recursive: true, mode: 0o700 });
  await exclusively(root, async () => {
    const store = await imageStore(root, await clusterImages(), say, signal);
    signal.throwIfAborted();
    await allOrNone(plan.nodes.map(({ name }) => copyStore(store, nodeFolder(folder, name))));
  });
  say('the images are on the nodes');
}

function nodesOf(
  { plan, folder, network, signal }: Surroundings,
  pki: Pki,
  controlPlane: ControlPlane,
  onEnd: (message: string) => void,
): readonly ClusterNode[] {
  return plan.nodes.map((addresses) =>
    clusterNode({
      folder: nodeFolder(folder, addresses.name),
      plan,
      addresses,
      pki,
      controlPlane,
      sandboxImage: SANDBOX_IMAGE,
      switchPid: network.switchPid,
      signal,
      onEnd,
    }),
  );
}

function nodeFolder(folder: ClusterFolder, name: string): string {
  return join(folder.path, 'nodes', name);
}

function clusterMachine(nodes: readonly ClusterNode[], routeToRunning: () => Promise<void>): ClusterMachine {
  const named = (name: string): ClusterNode => {
    const node = nodes.find(({ addresses }) => addresses.name === name);
    if (node === undefined)
      throw new Error(
        `no node is called ${name}: ${nodes.map(({ addresses }) => addresses.name).join(', ')}`,
      );
    return node;
  };
  return {
    startNode: async (name) => {
      await named(name).start();
      await routeToRunning();
    },
    stopNode: async (name) => {
      await named(name).stop();
      await routeToRunning();
    },
    importImages: async (archive) => {
      const running = nodes.filter((node) => node.isRunning());
      await Promise.all(running.map((node) => node.importImages(archive)));
    },
  };
}
