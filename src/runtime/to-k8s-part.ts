/** Composes Consul → Kubernetes for `tandem sync`: its two sides, the loop between them, and its part of `/status`. */
import { OWNER_META } from '../model/consul-names.ts';
import { byText } from '../model/instance.ts';
import { followedServices } from '../catalog/to-kubernetes/select.ts';
import type { ToK8sSettings } from '../catalog/to-kubernetes/to-k8s-settings.ts';
import { toK8sSettings } from '../config/to-k8s-flags.ts';
import { serviceSource } from '../consul/service-source.ts';
import { createToK8s, type ToK8s } from '../controllers/to-k8s-loop.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import { objectWriter } from '../kubernetes/object-writer.ts';
import type { ToK8sStatus, WatchesStatus } from '../status-page/status.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import { clusterNetwork, UNASKED } from './cluster-network.ts';
import type { ControllerState } from '../reporting/controller-reporter.ts';
import { controllerFacts, troubleOf } from '../reporting/controller-status.ts';
import { leaseNamespace } from './lease-namespace.ts';
import { createToK8sReporter } from '../reporting/to-k8s-reporter.ts';
import type { SyncPart, SyncStage } from './sync-stage.ts';
import { writeNamespace } from './write-namespace.ts';

export async function toK8sPart(stage: SyncStage, metrics: ControllerMetrics): Promise<SyncPart> {
  const { values, access, owner, client, consul, log, options, events, onRestart, changed } = stage;
  const { resync, dryRun, once } = options;
  const namespace = values.k8sWriteNamespace ?? (await leaseNamespace(undefined, access));
  const settings = toK8sSettings(values, owner, namespace);
  const { clusterCidrs: cidrs, toK8sFilter: filter, toK8sHealth: healthRule } = values;
  const objects = writeNamespace({ client, namespace, onRestart });
  const network = settings.allowClusterAddresses ? UNASKED : clusterNetwork({ client, cidrs, onRestart });
  const watches = (): WatchesStatus => joined(objects.watches(), network.watches());
  const reporter = createToK8sReporter({
    log,
    metrics,
    now: Date.now,
    warn: ({ name, uid }, reason, message) =>
      events.record({ apiVersion: 'v1', kind: 'Service', namespace, name, uid }, 'Warning', reason, message),
    isDryRun: dryRun,
    changed,
  });
  let loop: ToK8s | undefined;
  return {
    lead: async (term) => {
      // A new one each time: what an earlier term knew of Consul may be outdated.
      const services = serviceSource({
        client: consul,
        isAnonymous: consul.isAnonymous,
        owner: { meta: OWNER_META, value: owner },
        filter,
        healthRule,
        wanted: (list) => followedServices(list, settings),
      });
      const writer = objectWriter(client, namespace);
      const ports = { services, objects, network, writer, reporter, ...systemRuntime };
      loop = createToK8s(ports, { settings, resync, dryRun, once });
      await loop.run(term);
      loop = undefined;
    },
    isSynced: () => Object.values(watches()).every((watch) => watch.isSynced),
    status: () => [statusOf(settings, loop, reporter.state(), watches())],
    stop: async () => {
      await Promise.all([objects.stop(), network.stop()]);
    },
  };
}

/** For a kind that both watch, in different namespaces: whether both have their list. */
function joined(own: WatchesStatus, network: WatchesStatus): WatchesStatus {
  const kinds = [...new Set([...Object.keys(own), ...Object.keys(network)])];
  return Object.fromEntries(
    kinds.map((kind) => [
      kind,
      { isSynced: own[kind]?.isSynced !== false && network[kind]?.isSynced !== false },
    ]),
  );
}

function statusOf(
  { namespace, mode }: ToK8sSettings,
  loop: ToK8s | undefined,
  reporter: ControllerState,
  watches: WatchesStatus,
): ToK8sStatus {
  const plan = loop?.plan();
  const problems = Map.groupBy(plan?.problems ?? [], ({ service }) => service);
  const selected = [...(plan?.states ?? [])].map(([source, { object, kind, endpoints }]) => ({
    source,
    selected: true,
    object,
    reason: kind,
    endpoints,
    problems: (problems.get(source) ?? []).map(({ message }) => message),
    ...troubleOf([reporter], source),
  }));
  const others = [...(plan?.leftOut ?? [])].map(([source, reason]) => ({ source, reason, ...LEFT_OUT }));
  return {
    controller: 'to-kubernetes',
    ...controllerFacts(reporter, { counts: plan && { owned: plan.owned }, watches }),
    namespace,
    mode,
    conflicts: plan?.conflicts.map(({ object }) => object.name),
    rows: [...selected, ...others].toSorted((left, right) => byText(left.source, right.source)),
  };
}

const LEFT_OUT = {
  selected: false,
  object: undefined,
  endpoints: 0,
  problems: [],
  refused: undefined,
  since: undefined,
};
