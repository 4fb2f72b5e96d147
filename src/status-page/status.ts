/** What a process tells of itself: `/status` as JSON, and the page at `/` from the same values. */

/** A part is undefined in a process that does not have it. */
export type Status = {
  readonly sync: SyncStatus | undefined;
  readonly toKubernetes: ToK8sStatus | undefined;
  readonly registrar: RegistrarStatus | undefined;
  readonly webhook: WebhookStatus | undefined;
  readonly files?: FilesStatus | undefined;
};

/** Of manifests in the place of a cluster. */
export type FilesStatus = {
  /** Why they cannot be read now; what was read before stays. */
  readonly unreadable: { readonly error: string; readonly since: string } | undefined;
  /** A sentence for each object that is there more than once. */
  readonly repeated: readonly string[];
};

export type PassFailure = {
  readonly at: string;
  /** When the first failed after the last success. */
  readonly since: string;
  readonly error: string;
};

/** How the passes of a loop went. Times are ISO 8601 in UTC. */
export type PassStatus = {
  readonly lastSuccess: string | undefined;
  readonly lastFailure: PassFailure | undefined;
  /** So many removals wait for a second look. */
  readonly heldRemovals: number;
};

/** By the kind of what is watched in the cluster. */
export type WatchesStatus = Readonly<Record<string, { readonly isSynced: boolean }>>;

export type SyncStatus = PassStatus & {
  readonly owner: string;
  readonly node: string;
  readonly leader: boolean;
  /** Nothing is written. */
  readonly dryRun: boolean;
  /** Kubernetes → Consul is on. */
  readonly toConsul: boolean;
  /** Undefined on a replica that does not lead. */
  readonly instances:
    | {
        readonly desired: number;
        readonly owned: number;
        readonly foreign: number;
        readonly pending: number;
      }
    | undefined;
  readonly watches: WatchesStatus;
  readonly sources: readonly SourceState[];
};

export type SourceState = {
  /** `Service/<namespace>/<name>` */
  readonly source: string;
  readonly synced: boolean;
  readonly reason: string;
  readonly instances: number;
  /** Why a Service that is synced has no instance; empty when it has one. */
  readonly leftOut: readonly string[];
  readonly problems: readonly string[];
  /** What Consul said when it refused a change. */
  readonly refused: string | undefined;
  /** Since when something is wrong with it. */
  readonly since: string | undefined;
};

/** Of Consul → Kubernetes. */
export type ToK8sStatus = PassStatus & {
  /** Where the Services are made. */
  readonly namespace: string;
  readonly mode: string;
  /** Number of objects; undefined before the first plan, and on a replica that does not lead. */
  readonly owned: number | undefined;
  /** Names of objects of somebody else that are in the way. */
  readonly conflicts: readonly string[] | undefined;
  readonly watches: WatchesStatus;
  readonly services: readonly ConsulServiceState[];
  /** Consul services that are left out, and the rule that says so. */
  readonly leftOut: readonly { readonly service: string; readonly reason: string }[];
};

export type ConsulServiceState = {
  /** Name in Consul. */
  readonly service: string;
  /** Name of the Service; undefined when there is none. */
  readonly object: string | undefined;
  readonly kind: string;
  readonly endpoints: number;
  readonly problems: readonly string[];
  /** What the API server said when it refused a change. */
  readonly refused: string | undefined;
  /** Since when something is wrong with it. */
  readonly since: string | undefined;
};

export type RegistrarStatus = PassStatus & {
  /** Undefined on a replica that does not lead. */
  readonly instances:
    { readonly owned: number; readonly foreign: number; readonly pending: number } | undefined;
  /** Of the clean-up after pods in agent mode. */
  readonly agents: PassStatus;
  /** Undefined where pods do not log in to Consul. */
  readonly tokens: TokensStatus | undefined;
  readonly watches: WatchesStatus;
  readonly pods: readonly PodState[];
};

/** Of the ACL tokens of pods that are gone. */
export type TokensStatus = {
  /** Why they stay: Consul refuses to list or to delete them, or could not be asked. */
  readonly trouble:
    { readonly kind: 'refused' | 'failed'; readonly reason: string; readonly since: string } | undefined;
};

export type PodState = {
  /** `Pod/<namespace>/<name>` */
  readonly source: string;
  /** What it is in Consul, and what decided that; undefined when nothing of it can be registered. */
  readonly service: { readonly name: string; readonly reason: string } | undefined;
  /** How the worst check of each was seen last; `missing`: Consul does not have it. */
  readonly instances: readonly { readonly id: string; readonly status: string }[];
  readonly reason: string;
  readonly problem: string | undefined;
  /** What Consul said when it refused a change. */
  readonly refused: string | undefined;
  /** Since when something is wrong with it. */
  readonly since: string | undefined;
};

export type WebhookStatus = {
  readonly certificate: {
    /** Undefined while there is none. */
    readonly issued: string | undefined;
    readonly expires: string | undefined;
    /** Why it cannot be served now. */
    readonly problem: string | undefined;
  };
  readonly admissions: {
    readonly since: string;
    readonly counts: Readonly<Record<string, number>>;
    /** The newest first. */
    readonly recent: readonly Admission[];
  };
};

/** Of one admission what its log line has; never the pod. */
export type Admission = {
  /** Counts up from the start of the process. */
  readonly number: number;
  readonly at: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly result: string;
  readonly reason: string;
  readonly detail: string | undefined;
  /** What its author was warned of: at most ten texts. */
  readonly warnings: readonly string[];
};
