/** Metrics of the controllers: what every one of them has, and what only one has. */
import type { Counter, Gauge, Registry } from 'prom-client';
import { ENTRY_KINDS } from '../catalog/config-entries/entry-kinds.ts';
import { addressReasons } from '../catalog/mesh/virtual-address.ts';
import { podReasons } from '../catalog/mesh/decide-pod.ts';
import { toK8sProblemReasons } from '../catalog/to-kubernetes/to-k8s-problem.ts';
import { registrarActions } from '../controllers/registrar-ports.ts';
import { problemReasons } from '../model/problem.ts';
import { errorCode, errorCodes } from './common-metrics.ts';
import { makeMetrics, type MadeMetrics, type MetricDefinitions } from './metric-table.ts';

type Labels = Readonly<Record<string, readonly string[]>>;

type Words = {
  readonly changes: string;
  /** Beside their result. */
  readonly changeLabels: Labels;
  readonly agreement: string;
  readonly removals: string;
  readonly reconciles: string;
};

/** What every controller has. */
function common({ changes, changeLabels, agreement, removals, reconciles }: Words) {
  return {
    changes_total: {
      type: 'counter',
      help: changes,
      labels: { ...changeLabels, result: ['applied', 'refused'] },
    },
    last_success_timestamp_seconds: {
      type: 'gauge',
      help: `Last time that ${agreement}, in seconds since the epoch.`,
      labels: {},
    },
    held_removals: {
      type: 'gauge',
      help: `${removals} that wait until both sides are read again.`,
      labels: {},
    },
    failures_total: {
      type: 'counter',
      help: `${reconciles} that failed. Each is retried.`,
      labels: { code: errorCodes },
    },
  } as const satisfies MetricDefinitions;
}

/** What a controller has that follows events to Consul. */
function followed(keys: string, event: string, commit: string) {
  return {
    event_to_commit_seconds: {
      type: 'histogram',
      help: `Time from the event of ${event} to ${commit} in Consul.`,
      labels: {},
      // A change is in Consul a quarter of a second after its event, and an outage lasts minutes.
      buckets: [0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1, 2, 5, 15, 60, 300],
    },
    pending_keys: {
      type: 'gauge',
      help: `${keys} that wait to be written.`,
      labels: {},
    },
    oldest_pending_seconds: {
      type: 'gauge',
      help: 'For how many seconds the oldest of them has waited.',
      labels: {},
    },
  } as const satisfies MetricDefinitions;
}

function counted<const L extends Labels>(help: string, labels: L) {
  return { type: 'gauge', help, labels } as const;
}

/** The prefix of the names of its metrics. */
const PREFIXES = {
  'to-consul': 'tandem_sync_',
  'to-kubernetes': 'tandem_to_k8s_',
  registrar: 'tandem_registrar_',
  'config-entries': 'tandem_config_entry_',
} as const;

export type MeasuredController = keyof typeof PREFIXES;

/** Controller → its metrics. */
const definitionsOf = {
  'to-consul': {
    instances: counted('Instances: desired by the cluster, owned in Consul, and foreign on the same node.', {
      state: ['desired', 'owned', 'foreign'],
    }),
    problems: counted('Current problems of Services. Each is also an Event.', {
      reason: Object.keys(problemReasons),
    }),
    ...followed('Services', 'a change', 'its commit'),
    ...common({
      changes: 'Changes that were written to Consul, or that Consul refused.',
      changeLabels: { action: ['register', 'update', 'deregister'] },
      agreement: 'both sides agreed',
      removals: 'Removals',
      reconciles: 'Reconciles',
    }),
  },
  'to-kubernetes': {
    services: counted('Consul services that are selected, and those that have a Service in Kubernetes.', {
      state: ['selected', 'present'],
    }),
    problems: counted('Current problems of Consul services.', {
      reason: Object.keys(toK8sProblemReasons),
    }),
    ...common({
      changes: 'Objects that were written to the API server, or that it refused.',
      changeLabels: { kind: ['Service', 'EndpointSlice'], action: ['create', 'update', 'delete'] },
      agreement: 'the objects were compared with Consul and written',
      removals: 'Removals of objects',
      reconciles: 'Reads and reconciles',
    }),
  },
  registrar: {
    pods: counted('Injected pods, by the reason why the registrar keeps them in Consul or does not.', {
      reason: Object.keys(podReasons),
    }),
    instances: counted('Instances on synthetic nodes: owned by this cluster, and foreign.', {
      state: ['owned', 'foreign'],
    }),
    addresses: counted('Injected pods, by the source of the address that clients dial.', {
      reason: Object.keys(addressReasons),
    }),
    redirection_waiting_seconds: {
      type: 'gauge',
      help: 'For how many seconds the first pod whose traffic is not redirected has waited for it, with a redirector on its node or without.',
      labels: {},
    },
    ...followed('Pods, and synthetic nodes,', 'a pod', 'the commit of its change'),
    ...common({
      changes: 'Changes for injected pods that were written to Consul, or that Consul refused.',
      changeLabels: { action: registrarActions },
      agreement: 'pods and Consul agreed',
      removals: 'Removals for pods that are missing although no event said that they ended,',
      reconciles: 'Reconciles of the registrar',
    }),
  },
  'config-entries': {
    drift_repaired_total: {
      type: 'counter',
      help: 'Config entries that somebody edited or removed in Consul, and that were written again.',
      labels: { kind: ENTRY_KINDS.map(({ entryKind }) => entryKind) },
    },
    ...followed('Custom resources', 'a custom resource', 'the commit of its config entry'),
    ...common({
      changes: 'Config entries that were written to Consul, or that Consul refused.',
      changeLabels: {
        kind: ENTRY_KINDS.map(({ entryKind }) => entryKind),
        action: ['create', 'update', 'delete'],
      },
      agreement: 'the custom resources and Consul agreed',
      removals: 'Removals of config entries',
      reconciles: 'Reads and reconciles of config entries',
    }),
  },
} as const satisfies Readonly<Record<MeasuredController, MetricDefinitions>>;

type CountedGauge = 'addresses' | 'instances' | 'pods' | 'problems' | 'services';

type Made = MadeMetrics<ReturnType<typeof common>> &
  Partial<
    MadeMetrics<ReturnType<typeof followed>> &
      Record<CountedGauge | 'redirection_waiting_seconds', Gauge> & { readonly drift_repaired_total: Counter }
  >;

/** By the names that are served. */
export function servedMetrics(controller: MeasuredController): MetricDefinitions {
  const entries = Object.entries(definitionsOf[controller]);
  return Object.fromEntries(entries.map(([name, each]) => [PREFIXES[controller] + name, each]));
}

export type ControllerMetrics = ReturnType<typeof controllerMetrics>;

export function controllerMetrics(controller: MeasuredController, registry: Registry) {
  const definitions: MetricDefinitions & ReturnType<typeof common> = definitionsOf[controller];
  const made: Made = makeMetrics(definitions, registry, PREFIXES[controller]);
  const successes: number[] = [];
  return {
    change: (labels: Readonly<Record<string, string>>, result: 'applied' | 'refused'): void =>
      made.changes_total.inc({ ...labels, result }),
    eventToCommit: (seconds: number): void => made.event_to_commit_seconds?.observe(seconds),
    failure: (code: string): void => made.failures_total.inc({ code: errorCode(code) }),
    heldRemovals: (count: number): void => made.held_removals.set(count),
    /**
     * Adds a loop to this controller. Call what it returns at each success, with the time in milliseconds since the epoch. The
     * metric shows the last success of the loop that succeeded longest ago, and 0 until every loop has succeeded.
     */
    newLoop: (): ((time: number) => void) => {
      const at = successes.push(0) - 1;
      return (time) => {
        successes[at] = time;
        made.last_success_timestamp_seconds.set(Math.min(...successes) / 1000);
      };
    },
    /** Sets a gauge that has one label: what has no count is 0. */
    count: (gauge: CountedGauge, counts: Readonly<Record<string, number>>): void => {
      const [[label, values] = ['', []]] = Object.entries(definitions[gauge]?.labels ?? {});
      for (const value of values) made[gauge]?.set({ [label]: value }, counts[value] ?? 0);
    },
    /** For how long the first pod has waited for its traffic to be redirected. */
    redirectionWaiting: (seconds: number): void => made.redirection_waiting_seconds?.set(seconds),
    /** @param kind of the config entry */
    driftRepaired: (kind: string): void => made.drift_repaired_total?.inc({ kind }),
    /** Undefined while there is none. */
    backlog: (backlog: { readonly keys: number; readonly seconds: number } | undefined): void => {
      const { keys, seconds } = backlog ?? { keys: 0, seconds: 0 };
      made.pending_keys?.set(keys);
      made.oldest_pending_seconds?.set(seconds);
    },
  };
}
