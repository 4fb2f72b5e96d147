/** What the loop of config entries needs of its two sides and of its observers. The edges implement it. */
import type { ObservedEntry } from '../catalog/config-entries/entry-holder.ts';
import type { EntryObject } from '../catalog/config-entries/entry-object.ts';
import type {
  EntryChange,
  EntryPlan,
  EntryRemoval,
  PlannedObject,
} from '../catalog/config-entries/entry-plan.ts';
import type { EntryOutcome } from '../catalog/config-entries/entry-status.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type { ConnectWrite } from './registrar-ports.ts';
import type { ControllerReporter } from '../reconcile/controller.ts';
import type { GuardReporter } from '../reconcile/deletion-guard.ts';
import type { Relisted, Watched } from './watched.ts';
import type { JsonObject } from '../support/json.ts';

/** The custom resources, kept current; an event is about more than the status of an object. `relist` names kinds by their plural. */
export type EntryObjectSource = Watched<[kind: EntryKind, place: string]> &
  Relisted & {
    readonly objects: (kind: EntryKind) => readonly EntryObject[];
    /** Why not all objects of the kind are known; undefined when they are. */
    readonly trouble: (kind: EntryKind) => string | undefined;
  };

export type KnownEntries = {
  /** Undefined while they cannot be read. */
  readonly entries: readonly ObservedEntry[] | undefined;
  /** Why they are not all that there are. */
  readonly trouble: string | undefined;
};

/** Consul's entries, kept current. */
export type EntrySource = {
  readonly entries: (kind: EntryKind) => KnownEntries;
  /** Of every kind it is known what Consul has, or why that is unknown. */
  readonly isRead: () => boolean;
  /** Kinds that are not followed, because nobody uses them: what is known of their entries may be old. */
  readonly idle: () => readonly EntryKind[];
  /** Reads until the signal is aborted, whatever fails. What `readOne` returned before is no change. */
  readonly run: (
    events: {
      /** There is an object of the kind, or an entry that is ours. */
      readonly isUsed: (kind: EntryKind) => boolean;
      readonly changed: (kind: EntryKind) => void;
      readonly failed: (error: unknown, retryMilliseconds: number) => void;
    },
    signal: AbortSignal,
  ) => Promise<void>;
  /** Reads one entry, which is known from then on; undefined when there is none. */
  readonly readOne: (
    kind: EntryKind,
    name: string,
    signal: AbortSignal,
  ) => Promise<ObservedEntry | undefined>;
  /** Resolves when these kinds were read again, and are followed again; rejects when a read fails, whose kind is then unknown. */
  readonly refresh: (kinds: readonly EntryKind[], signal: AbortSignal) => Promise<void>;
};

/** Stale: the entry is not the one that was observed, or is now there, or gone. Refused: as `ConnectWrite`. */
export type EntryWriteOutcome = ConnectWrite | { readonly kind: 'stale' };

export type EntryWriter = {
  /** Throws a coded error when it is not known whether it was applied, or when nothing can be. */
  readonly write: (change: EntryChange, signal: AbortSignal) => Promise<EntryWriteOutcome>;
  /** Why nothing may be removed: a token that may not write an entry may see less than there is. */
  readonly mayRemove: (removals: readonly EntryRemoval[], signal: AbortSignal) => Promise<string | undefined>;
};

type CrdState =
  | { readonly isThere: true; readonly created: string }
  /** It is gone, or going; why no entry is removed then. */
  | { readonly isThere: false; readonly why: string };

/** Of the cluster, beside its objects. */
export type EntryCluster = {
  /** Asked before an entry of the kind is removed. Throws when it cannot be read. */
  readonly crd: (kind: EntryKind, signal: AbortSignal) => Promise<CrdState>;
  /** The status that the API server returned; undefined when the object is gone or another. */
  readonly patchStatus: (
    kind: EntryKind,
    object: EntryObject,
    status: JsonObject,
    signal: AbortSignal,
  ) => Promise<JsonObject | undefined>;
  /** Takes away the finalizer of consul-k8s, with which nothing can be deleted any more. */
  readonly dropFinalizer: (kind: EntryKind, object: EntryObject, signal: AbortSignal) => Promise<void>;
};

export type ConfigEntryReporter = ControllerReporter<EntryChange> &
  GuardReporter & {
    readonly planned: (plan: EntryPlan) => void;
    /** The state of objects after all changes were tried. */
    readonly stands: (
      standings: readonly { readonly planned: PlannedObject; readonly outcome: EntryOutcome }[],
    ) => void;
    /** Consul accepted the entry and returns it differently. */
    readonly acceptedOtherwise: (change: EntryChange, paths: readonly string[]) => void;
  };
