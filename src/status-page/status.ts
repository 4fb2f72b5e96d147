/** What a process reports about itself: `/status` as JSON, and the page at `/` from the same values. */

export type Status = {
  /** Undefined in a process without controllers. */
  readonly process: ProcessStatus | undefined;
  /** Those that are on, in the order of the page. */
  readonly controllers: readonly ControllerStatus[];
  /** Undefined in a process that admits no pods. */
  readonly webhook: WebhookStatus | undefined;
  /** Undefined where a cluster is watched. */
  readonly files?: FilesStatus | undefined;
};

export type ProcessStatus = {
  readonly owner: string;
  /** Node in Consul. */
  readonly node: string;
  readonly leader: boolean;
  /** Nothing is written. */
  readonly dryRun: boolean;
};

/** Of manifests in the place of a cluster. */
export type FilesStatus = {
  /** Why they cannot be read now; what was read before stays. */
  readonly unreadable: { readonly error: string; readonly since: string } | undefined;
  /** A sentence for each object that is defined more than once. */
  readonly repeated: readonly string[];
  /** A line for each problem of config entries that are invalid. */
  readonly invalid: readonly string[];
};

type ReconcileFailure = {
  readonly at: string;
  /** When the first failed after the last success. */
  readonly since: string;
  readonly error: string;
};

/** By the kind of what is watched in the cluster. */
export type WatchesStatus = Readonly<Record<string, { readonly isSynced: boolean }>>;

/** The common facts of every controller. Times are ISO 8601 in UTC. */
export type ControllerFacts = {
  readonly lastSuccess: string | undefined;
  readonly lastFailure: ReconcileFailure | undefined;
  /** This many removals wait until both sides were read again. */
  readonly heldRemovals: number;
  /** Keys that wait to be written, and for how many seconds the oldest has; undefined where `counts` is, and without a queue. */
  readonly backlog: { readonly keys: number; readonly seconds: number } | undefined;
  /** Numbers of what it keeps; undefined before the first plan, and on a replica that does not lead. */
  readonly counts: Readonly<Record<string, number>> | undefined;
  readonly watches: WatchesStatus;
};

export type ControllerStatus =
  | ToConsulStatus
  | ToK8sStatus
  | RegistrarStatus
  | CleanUpStatus<'agents'>
  | CleanUpStatus<'tokens'>
  | SecureStatus
  | ConfigEntriesStatus;

export type ControllerName = ControllerStatus['controller'];

export type StatusOf<N extends ControllerName> = Extract<ControllerStatus, { controller: N }>;

/** Undefined while it is off. */
export function controllerOf<N extends ControllerName>(
  { controllers }: Status,
  name: N,
): StatusOf<N> | undefined {
  return controllers.find((each): each is StatusOf<N> => each.controller === name);
}

/** The common facts of every object that a controller reconciles. */
export type StatusRow = {
  /** `<kind>/<namespace>/<name>` in Kubernetes, or a name in Consul. */
  readonly source: string;
  /** Why it is on the other side, or is not. */
  readonly reason: string;
  readonly problems: readonly string[];
  /** What the other side said when it refused a change. */
  readonly refused: string | undefined;
  /** Since when something is wrong with it. */
  readonly since: string | undefined;
};

/** Kubernetes → Consul; a row is a Service. */
export type ToConsulStatus = ControllerFacts & {
  readonly controller: 'to-consul';
  readonly rows: readonly ServiceRow[];
};

export type ServiceRow = StatusRow & {
  readonly synced: boolean;
  readonly instances: number;
  /** Why a Service that is synced has no instance, or keeps those it has as they are; else empty. */
  readonly leftOut: readonly string[];
};

/** Consul → Kubernetes; a row is a Consul service. */
export type ToK8sStatus = ControllerFacts & {
  readonly controller: 'to-kubernetes';
  /** Where the Services are made. */
  readonly namespace: string;
  readonly mode: string;
  /** Names of objects of somebody else that are in the way. */
  readonly conflicts: readonly string[] | undefined;
  readonly rows: readonly ConsulServiceRow[];
};

export type ConsulServiceRow = StatusRow & {
  /** A rule takes it. */
  readonly selected: boolean;
  /** Name of the Service; undefined when there is none. */
  readonly object: string | undefined;
  readonly endpoints: number;
};

/** A row is an injected pod. */
export type RegistrarStatus = ControllerFacts & {
  readonly controller: 'registrar';
  readonly rows: readonly PodRow[];
};

export type PodRow = StatusRow & {
  /** What it is in Consul, and what decided that; undefined when nothing of it can be registered. */
  readonly service: { readonly name: string; readonly reason: string } | undefined;
  /** How the worst check of each was seen last; `missing`: Consul does not have it. */
  readonly instances: readonly { readonly id: string; readonly status: string }[];
};

/** After pods in agent mode, and of the ACL tokens of pods that are gone; the only row of these is that they stay. */
type CleanUpStatus<N extends string> = ControllerFacts & {
  readonly controller: N;
  readonly rows: readonly StatusRow[];
};

/** What keeps Consul secure; a row is an agent, or something that needs attention. */
type SecureStatus = ControllerFacts & {
  readonly controller: 'secure';
  readonly stage: string;
  /** What comes next, and why; undefined before the first pass, and on a replica that does not lead. */
  readonly step: string | undefined;
  readonly rows: readonly StatusRow[];
};

/** Custom resources → config entries; a row is an object. */
export type ConfigEntriesStatus = ControllerFacts & {
  readonly controller: 'config-entries';
  /** CRDs that are not installed. */
  readonly missing: readonly string[];
  /** Entries that are ours, have no object, and stay: a sentence for each. */
  readonly kept: readonly string[];
  readonly rows: readonly ConfigEntryRow[];
};

export type ConfigEntryRow = StatusRow & {
  readonly kind: string;
  /** `<namespace>/<name>` */
  readonly object: string;
  /** Name in Consul; undefined when the object names none. */
  readonly entry: string | undefined;
  /** Of the condition `Synced`. */
  readonly synced: 'True' | 'False' | 'Unknown';
  readonly message: string;
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
