/** What the loop of the registrar needs of its two sides and of its observers. The edges implement it. */
import type { ObservedSyntheticNode } from '../catalog/mesh/observed-registration.ts';
import type { NodePlan } from '../catalog/mesh/node-plan.ts';
import type { PodRegistration, SyntheticNode } from '../catalog/mesh/pod-registration.ts';
import type { Check } from '../model/instance.ts';
import type { AddressBook, AddressHolder } from './address-book.ts';
import type { PodSnapshot, Touched } from './pod-snapshot.ts';
import type { PodStatus, PodStatuses } from './pod-statuses.ts';
import type { ControllerReporter, ControllerRuntime } from '../reconcile/controller.ts';
import type { GuardReporter } from '../reconcile/deletion-guard.ts';
import type { Watched } from './watched.ts';

export type PodSource = Watched<[touched: Touched]> & {
  readonly snapshot: Omit<
    PodSnapshot,
    'podChanged' | 'nodeChanged' | 'serviceChanged' | 'accountChanged' | 'servicesListed'
  >;
};

/** Refused: Consul considers this one invalid, or the token may not write it; others may go through. */
export type ConnectWrite =
  { readonly kind: 'applied' } | { readonly kind: 'refused'; readonly reason: string };

/** Consul does not answer about this one as it does about others. */
export type UnreadableNode = { readonly name: string; readonly reason: string };

/** `name` is that of the service. */
export type InstanceOnNode = { readonly node: string; readonly id: string; readonly name: string };

/** `name` is that of the service, as in `InstanceOnNode`. */
export type CheckOnNode = InstanceOnNode & { readonly check: Check };

/** Everything throws a coded error when it is not known what Consul has, or has done. */
export type ConnectCatalog = {
  /** Names of the synthetic nodes of this owner. */
  readonly nodes: (owner: string, signal: AbortSignal) => Promise<readonly string[]>;
  /**
   * The whole of a node; throws also when the token does not show all of it.
   *
   * @param ids the answer needs no other instances, and may have some; each is of `[a-z0-9.-]`
   */
  readonly read: (
    node: string,
    signal: AbortSignal,
    ids?: readonly string[],
  ) => Promise<ObservedSyntheticNode>;
  /** Status by id of every readiness check there is, by node. */
  readonly checks: (signal: AbortSignal) => Promise<ReadonlyMap<string, ReadonlyMap<string, string>>>;
  /** Proxies of a service that have a virtual address, of whatever owner. */
  readonly holders: (service: string, signal: AbortSignal) => Promise<readonly AddressHolder[]>;
  /** Calls back whenever a check of anything may have changed, until the signal is aborted. */
  readonly watch: (onChange: () => void, signal: AbortSignal) => Promise<void>;
  readonly writeNode: (node: SyntheticNode, owner: string, signal: AbortSignal) => Promise<ConnectWrite>;
  /** Makes the node when it is missing, and leaves alone one that is there. */
  readonly register: (
    registration: PodRegistration,
    owner: string,
    signal: AbortSignal,
  ) => Promise<ConnectWrite>;
  /** All of them or none, at most 64. */
  readonly setChecks: (checks: readonly CheckOnNode[], signal: AbortSignal) => Promise<ConnectWrite>;
  /** All of them or none, at most 32, on nodes that are there; none of a proxy. */
  readonly registerServices: (
    registrations: readonly PodRegistration[],
    signal: AbortSignal,
  ) => Promise<ConnectWrite>;
  /** All of them or none, at most 64; more than one is one write to the disks of the servers. */
  readonly deregister: (instances: readonly InstanceOnNode[], signal: AbortSignal) => Promise<ConnectWrite>;
  /** Only when nothing is on it, which is checked once more: removing a node removes whatever is on it. */
  readonly removeNode: (node: string, signal: AbortSignal) => Promise<ConnectWrite>;
};

export const registrarActions = [
  'register',
  'update',
  'check',
  'deregister',
  'write-node',
  'remove-node',
] as const;
export type RegistrarAction = (typeof registrarActions)[number];

/** One write, and whom it is about. */
export type RegistrarChange = {
  readonly action: RegistrarAction;
  readonly node: string;
  /** Of the instance, or of the node. */
  readonly id: string;
  /** Of the pod; undefined if the instance no longer has one, and for a node. */
  readonly source: string | undefined;
};

export type RegistrarReporter = ControllerReporter<RegistrarChange> &
  GuardReporter & {
    readonly planned: (plan: NodePlan) => void;
    readonly unreadable: (node: UnreadableNode) => void;
    /** The state of the pods of a node now. */
    readonly pods: (node: string, statuses: readonly PodStatus[]) => void;
  };

export type RegistrarPorts = ControllerRuntime & {
  readonly source: PodSource;
  readonly catalog: ConnectCatalog;
  readonly statuses: PodStatuses;
  readonly addresses: AddressBook;
  readonly reporter: RegistrarReporter;
};
