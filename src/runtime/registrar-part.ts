/** Composes the registrar for `tandem sync`: the watch on injected pods, Consul, its three loops, and their part of `/status`. */
import { namingOf } from '../config/naming-settings.ts';
import { addressNotices } from '../catalog/mesh/virtual-address.ts';
import { agentUrl } from '../consul/agent-url.ts';
import { consulAgents } from '../consul/agents.ts';
import { connectCatalog } from '../consul/connect-catalog.ts';
import { podTokens } from '../consul/pod-tokens.ts';
import { createAddressBook } from '../controllers/address-book.ts';
import { runAgentLoop } from '../controllers/agent-loop.ts';
import { createPodStatuses } from '../controllers/pod-statuses.ts';
import { createRegistrar, type Registrar } from '../controllers/registrar-loop.ts';
import { runTokenLoop } from '../controllers/token-loop.ts';
import { systemClock, systemRuntime } from '../kubernetes/system-clock.ts';
import type { InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { createLatePods, type LatePods } from '../redirection/late-pods.ts';
import { byText } from '../model/instance.ts';
import { countReasons } from '../reporting/count-reasons.ts';
import type { ControllerState } from '../reporting/controller-reporter.ts';
import { controllerFacts, troubleOf } from '../reporting/controller-status.ts';
import { createRegistrarReporter, type PodReporter } from '../reporting/registrar-reporter.ts';
import { createTokenReporter, tokensStatus } from '../reporting/token-reporter.ts';
import type { RegistrarStatus, WatchesStatus } from '../status-page/status.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import { clusterPods } from './pod-source.ts';
import type { SyncPart, SyncStage } from './sync-stage.ts';
import { together } from './together.ts';

export function registrarPart(stage: SyncStage): SyncPart {
  const { values, owner, client, consul, log, events, onRestart, changed } = stage;
  const { resync, dryRun, once } = stage.options;
  const options = { owner, resync, dryRun, once };
  const metrics = stage.metrics.ofController('registrar');
  const tokensOf = values.deletePodTokens ? values.podAuthMethod : undefined;
  const late = latePods(events);
  const pods = clusterPods({
    onPod: late.podChanged,
    owner,
    ...namingOf(values),
    client,
    onRestart,
    onRefusedAddress: (source, reason) =>
      log('warn', 'an address in Kubernetes is not an IP address, and is not used', { source, reason }),
  });
  const newReporter = (): PodReporter =>
    createRegistrarReporter({
      log,
      metrics,
      now: Date.now,
      isDryRun: dryRun,
      changed,
      warn: (source, reason, message) => {
        const pod = pods.snapshot.pod(source);
        if (pod !== undefined) events.record(targetOf(pod), 'Warning', reason, message);
      },
    });
  const reporter = newReporter();
  const agentReporter = newReporter();
  const tokenReporter = createTokenReporter({ log, now: Date.now, changed });
  let registrar: Registrar | undefined;
  return {
    lead: async (term) => {
      const catalog = connectCatalog(consul);
      const addresses = createAddressBook({
        snapshot: pods.snapshot,
        holders: catalog.holders,
        loops: once ? ['registrar'] : ['registrar', 'agents'],
      });
      const statuses = createPodStatuses(pods.snapshot.cluster, addresses.statusOf);
      const common = { source: pods, statuses, addresses, ...systemRuntime };
      const running = createRegistrar({ ...common, reporter, catalog }, options);
      registrar = running;
      const agents = consulAgents(consul, (host) =>
        agentUrl(host, { port: values.agentHttpPort, tls: values.agentTls }),
      );
      const cleanUp = (signal: AbortSignal): Promise<void> =>
        runAgentLoop({ ...common, agents, catalog, reporter: agentReporter }, options, signal);
      const deleteTokens = (signal: AbortSignal): Promise<void> =>
        tokensOf === undefined
          ? Promise.resolve()
          : runTokenLoop(
              { ...common, tokens: podTokens(consul, [tokensOf]), reporter: tokenReporter },
              options,
              signal,
            );
      // One full reconcile says nothing about agents and tokens, whose deletions are confirmed later.
      await together(once ? [running.run] : [running.run, cleanUp, deleteTokens], term);
      registrar = undefined;
    },
    isSynced: pods.isSynced,
    measure: () => measure(registrar, metrics, late),
    status: () => [
      registrarStatus(registrar, reporter.state(), agentReporter.state(), pods.watches()),
      { controller: 'agents', ...controllerFacts(agentReporter.state()), rows: [] },
      ...(tokensOf === undefined ? [] : [tokensStatus(tokenReporter.state())]),
    ],
    stop: () => {
      late.stop();
      return pods.stop();
    },
  };
}

function measure(
  registrar: Registrar | undefined,
  metrics: ControllerMetrics,
  late: LatePods<InjectedPod>,
): void {
  const { pending: _, ...instances } = registrar?.counts() ?? { pending: 0 };
  const statuses = registrar?.statuses() ?? [];
  metrics.count('pods', countReasons(statuses));
  metrics.count('instances', instances);
  metrics.count('addresses', countReasons(statuses.map(({ address }) => address)));
  metrics.backlog(registrar?.backlog());
  metrics.redirectionWaiting(late.longest());
}

function latePods({ record }: SyncStage['events']): LatePods<InjectedPod> {
  return createLatePods(systemClock, (pod) => {
    const node = pod.node ?? '';
    const message = `The traffic of this pod is not redirected yet, so it waits in its first init container. To see the redirector of node ${node}: kubectl get pods --all-namespaces --selector=app.kubernetes.io/component=redirector --field-selector=spec.nodeName=${node}`;
    record(targetOf(pod), 'Warning', 'NotRedirected', message);
  });
}

function targetOf({ namespace, name, uid }: InjectedPod) {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
}

function registrarStatus(
  registrar: Registrar | undefined,
  reporter: ControllerState,
  agents: ControllerState,
  watches: WatchesStatus,
): RegistrarStatus {
  const statuses = registrar?.statuses() ?? [];
  return {
    controller: 'registrar',
    ...controllerFacts(reporter, { counts: registrar?.counts(), backlog: registrar?.backlog(), watches }),
    rows: statuses
      .toSorted((left, right) => byText(left.source, right.source))
      .map(({ source, uid, reason, problem, service, instances, address }) => ({
        source,
        service,
        instances,
        reason,
        problems: [
          ...(problem === undefined ? [] : [problem]),
          // An address that is as its author wanted it needs nobody's attention.
          ...addressNotices(address).flatMap(({ reason: what, text }) =>
            what === 'AddressTaken' ? [text] : [],
          ),
        ],
        ...troubleOf([reporter, agents], source, uid),
      })),
  };
}
