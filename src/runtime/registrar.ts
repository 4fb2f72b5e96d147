/** The registrar inside of `tandem sync`: composes the watch on injected pods, Consul, the loop, and who is told of it. */
import type { Naming } from '../config/naming-settings.ts';
import { addressNotices } from '../catalog/mesh/virtual-address.ts';
import { agentUrl } from '../consul/agent-url.ts';
import { consulAgents } from '../consul/agents.ts';
import type { OpenConsul } from '../consul/client.ts';
import { connectCatalog } from '../consul/connect-catalog.ts';
import { podTokens } from '../consul/pod-tokens.ts';
import { createAddressBook } from '../controllers/address-book.ts';
import { runAgentLoop } from '../controllers/agent-loop.ts';
import { createPodStatuses } from '../controllers/pod-statuses.ts';
import { createRegistrar, type Registrar, type RegistrarOptions } from '../controllers/registrar-loop.ts';
import { runTokenLoop } from '../controllers/token-loop.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemClock } from '../kubernetes/system-clock.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import type { InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { createLatePods, type LatePods } from '../redirection/late-pods.ts';
import { byText } from '../model/instance.ts';
import { countReasons } from '../reporting/count-reasons.ts';
import type { ControllerState } from '../reporting/controller-reporter.ts';
import { controllerFacts, troubleOf } from '../reporting/controller-status.ts';
import { createRegistrarReporter, type PodReporter } from '../reporting/registrar-reporter.ts';
import { createTokenReporter, tokensStatus } from '../reporting/token-reporter.ts';
import type { ControllerStatus, RegistrarStatus, WatchesStatus } from '../status-page/status.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import type { Log } from '../telemetry/logger.ts';
import { clusterPods, type PodKind } from './pod-source.ts';
import { together } from './together.ts';

type RegistrarParts = {
  readonly client: ApiClient;
  readonly consul: OpenConsul;
  /** How the agents of the nodes are reached. */
  readonly agents: { readonly port: number; readonly tls: boolean };
  readonly log: Log;
  readonly metrics: ControllerMetrics;
  readonly events: Pick<EventRecorder<string>, 'record'>;
  readonly onRestart: (kind: PodKind, failure: WatchFailure) => void;
  /** The status is another one. */
  readonly changed: () => void;
  /** What the registrations depend on. */
  readonly naming: Naming;
  /** The auth method of pods, when the tokens of those that are gone are deleted here. */
  readonly tokensOf: string | undefined;
  readonly options: RegistrarOptions;
};

export type RunningRegistrar = {
  /** Runs until the signal, while this replica leads. */
  readonly lead: (term: AbortSignal) => Promise<void>;
  readonly isSynced: () => boolean;
  /** Counts what is there, for a scrape. */
  readonly measure: () => void;
  readonly status: () => readonly ControllerStatus[];
  readonly stop: () => Promise<void>;
};

/** Starts to watch the pods at once, also on a replica that does not lead. */
export function startRegistrar(parts: RegistrarParts): RunningRegistrar {
  const { client, consul, log, metrics, events, onRestart, changed, options } = parts;
  const late = latePods(events, options.dryRun);
  const pods = clusterPods({
    onPod: late.podChanged,
    owner: options.owner,
    ...parts.naming,
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
      isDryRun: options.dryRun,
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
        loops: options.once ? ['registrar'] : ['registrar', 'agents'],
      });
      const statuses = createPodStatuses(pods.snapshot.cluster, addresses.statusOf);
      const common = { source: pods, statuses, addresses, clock: systemClock, random: Math.random };
      const running = createRegistrar({ ...common, reporter, catalog }, options);
      registrar = running;
      const agents = consulAgents(consul, (host) => agentUrl(host, parts.agents));
      const cleanUp = (signal: AbortSignal): Promise<void> =>
        runAgentLoop({ ...common, agents, catalog, reporter: agentReporter }, options, signal);
      const { tokensOf } = parts;
      const deleteTokens = (signal: AbortSignal): Promise<void> =>
        tokensOf === undefined
          ? Promise.resolve()
          : runTokenLoop(
              { ...common, tokens: podTokens(consul, [tokensOf]), reporter: tokenReporter },
              options,
              signal,
            );
      // One full reconcile says nothing about agents and tokens, whose deletions are confirmed later.
      await together(options.once ? [running.run] : [running.run, cleanUp, deleteTokens], term);
      registrar = undefined;
    },
    isSynced: pods.isSynced,
    measure: () => {
      const { pending: _, ...instances } = registrar?.counts() ?? { pending: 0 };
      metrics.count('pods', countReasons(registrar?.statuses() ?? []));
      metrics.count('instances', instances);
      metrics.count('addresses', countReasons((registrar?.statuses() ?? []).map(({ address }) => address)));
      metrics.backlog(registrar?.backlog());
      metrics.redirectionWaiting(late.longest());
    },
    status: () => [
      registrarStatus(registrar, reporter.state(), agentReporter.state(), pods.watches()),
      {
        controller: 'agents',
        ...controllerFacts(agentReporter.state(), { counts: undefined, watches: {} }),
        rows: [],
      },
      ...(parts.tokensOf === undefined ? [] : [tokensStatus(tokenReporter.state())]),
    ],
    stop: () => {
      late.stop();
      return pods.stop();
    },
  };
}

function latePods({ record }: RegistrarParts['events'], isDryRun: boolean): LatePods<InjectedPod> {
  return createLatePods(systemClock, (pod) => {
    const node = pod.node ?? '';
    const message = `The traffic of this pod is not redirected yet, so it waits in its first init container. The redirector of node ${node} sees to it: kubectl get pods --all-namespaces --selector=app.kubernetes.io/component=redirector --field-selector=spec.nodeName=${node}`;
    if (!isDryRun) record(targetOf(pod), 'Warning', 'NotRedirected', message);
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
          // What is as its author made it needs nobody.
          ...addressNotices(address).flatMap(({ reason: what, text }) =>
            what === 'AddressTaken' ? [text] : [],
          ),
        ],
        ...troubleOf([reporter, agents], source, uid),
      })),
  };
}
