/** What the loop from Consul to Kubernetes needs of its two sides and of its observers. The edges implement it. */
import type { ClusterNetwork } from '../catalog/to-kubernetes/cluster-address.ts';
import type { ConsulHealth, ConsulList } from '../catalog/to-kubernetes/consul-service.ts';
import type { ObjectChange } from '../catalog/to-kubernetes/object-changes.ts';
import type { ObservedObjects, ToK8sPlan } from '../catalog/to-kubernetes/object-plan.ts';
import type { ControllerReporter } from '../reconcile/controller.ts';
import type { GuardReporter } from '../reconcile/deletion-guard.ts';
import type { Watched } from './watched.ts';

/** Consul's services, kept current. */
export type ServiceSource = {
  /** Undefined until one whole list that is not empty was read; a failed read changes nothing. */
  readonly list: () => ConsulList | undefined;
  readonly health: ConsulHealth;
  /** Reads until the signal is aborted, whatever fails. */
  readonly run: (events: ServiceEvents, signal: AbortSignal) => Promise<void>;
  /** Resolves when everything was read again; rejects when a part of that fails. */
  readonly refresh: (signal: AbortSignal) => Promise<void>;
};

export type ServiceEvents = {
  /** Something may have changed. */
  readonly changed: () => void;
  /** A read failed and is tried again after this many milliseconds. */
  readonly failed: (error: unknown, retryMilliseconds: number) => void;
};

/** The objects of the write namespace, kept current; an event has the id of an object, `Service/web`. */
export type ObjectSource = Watched<[id: string]> & { readonly objects: ObservedObjects };

/** Where the cluster itself is, kept current. */
export type NetworkSource = Omit<Watched<[]>, 'refresh'> & { readonly network: () => ClusterNetwork };

export type ObjectOutcome =
  | { readonly kind: 'applied' }
  /** The object is not the one that was observed, or is now there, or gone; the watch reports the truth. */
  | { readonly kind: 'stale' }
  /** The API server considers the object invalid. */
  | { readonly kind: 'refused'; readonly reason: string };

export type ObjectWriter = {
  /** Throws a coded error when it is not known whether it was applied, or when nothing can be. */
  readonly write: (change: ObjectChange, signal: AbortSignal) => Promise<ObjectOutcome>;
};

export type ToK8sReporter = ControllerReporter<ObjectChange> &
  GuardReporter & {
    /** What it says of everything, and what is carried out of it now. */
    readonly planned: (plan: ToK8sPlan, now: readonly ObjectChange[]) => void;
  };
