/** What the loop from Consul to Kubernetes needs of its two sides and of its observers. The edges implement it. */
import type { ClusterNetwork } from '../catalog/to-kubernetes/cluster-address.ts';
import type { ConsulHealth, ConsulList } from '../catalog/to-kubernetes/consul-service.ts';
import type { ObjectChange } from '../catalog/to-kubernetes/object-changes.ts';
import type { ObservedObjects, ToK8sPlan } from '../catalog/to-kubernetes/object-plan.ts';
import type { ControllerReporter } from '../reconcile/controller.ts';
import type { GuardReporter } from '../reconcile/deletion-guard.ts';

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

/** The objects of the write namespace, kept current. */
export type ObjectSource = {
  readonly objects: ObservedObjects;
  /** Resolves when every kind has its whole list. */
  readonly synced: (signal: AbortSignal) => Promise<void>;
  /** Called with the id of an object that changed, `Service/web`; the returned function removes the listener. */
  readonly onChange: (listener: (id: string) => void) => () => void;
  /** Resolves when every kind has been listed again; rejects when that fails. */
  readonly refresh: (signal: AbortSignal) => Promise<void>;
};

/** Where the cluster itself is, kept current. */
export type NetworkSource = {
  readonly network: () => ClusterNetwork;
  /** Resolves when all that can be known is known. */
  readonly synced: (signal: AbortSignal) => Promise<void>;
  /** The returned function removes the listener. */
  readonly onChange: (listener: () => void) => () => void;
};

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
    readonly planned: (plan: ToK8sPlan, now: Pick<ToK8sPlan, 'create' | 'update' | 'delete'>) => void;
  };
