/** `tandem check`: can Tandem work here, and how to fix what is wrong. */
import { injectFlags } from '../config/inject-settings.ts';
import { namingFlags, namingOf } from '../config/naming-settings.ts';
import { syntheticNodePrefix } from '../inject/names.ts';
import { clusterFindings, type ClusterFacts } from '../check/cluster-findings.ts';
import { consulFindings, type ConsulFacts } from '../check/consul-findings.ts';
import { findingLines, findingsJson, worst, type Probe } from '../check/finding.ts';
import type { Needs, SyncNeeds } from '../check/rights.ts';
import { consulFlagProblems, consulFlags } from '../config/consul-settings.ts';
import { oneOf, string } from '../config/flag.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { syncNodeName, toConsulFlags, toConsulSettings } from '../config/sync-settings.ts';
import { toK8sFlagProblems, toK8sFlags } from '../config/to-k8s-flags.ts';
import { apiClient } from '../kubernetes/api-client.ts';
import { clusterAccess, type ClusterAccess } from '../kubernetes/cluster-access.ts';
import { SERVICE_ACCOUNT } from '../kubernetes/service-account.ts';
import { clusterFacts } from '../runtime/check-cluster.ts';
import { consulFacts, type ConsulQuestions } from '../runtime/check-consul.ts';
import { command, exit, type Context } from './command.ts';
import { kubeconfigFlag, leaseNamespaceFlag } from '../config/common-flags.ts';
import { leaseNamespace, SYNC_LEASE } from '../runtime/lease-namespace.ts';
import { probe } from '../runtime/probe.ts';
import { registrarFlags } from '../runtime/registrar.ts';

const flags = {
  ...kubeconfigFlag,
  output: oneOf('Form of the findings.', ['text', 'json'], 'text'),
  account: oneOf(
    'Whose work this account is to do: what the others need is left out.',
    ['all', 'webhook', 'sync'],
    'all',
  ),
  webhookConfiguration: string('MutatingWebhookConfiguration of Tandem.', 'NAME', 'tandem-webhook'),
  tlsAutoSecret: string(
    'Secret and Lease that the replicas of the webhook share; empty when it has files.',
    'NAME',
    'tandem-webhook-tls',
  ),
  proxyMode: injectFlags.proxyMode,
  registrar: registrarFlags.registrar,
  ...namingFlags,
  ...leaseNamespaceFlag,
  ...toK8sFlags,
  ...toConsulFlags,
  ...consulFlags,
};

type Values = FlagValues<typeof flags>;

export const checkCommand = command({
  operands: '',
  flags,
  examples: [
    'tandem check --kubeconfig=~/.kube/config --consul-http-addr=consul:8500',
    'tandem check --account=sync --registrar --proxy-mode=dataplane --to-k8s --k8s-write-namespace=from-consul',
    'tandem check --output=json',
  ],
  check: (values) => [...consulFlagProblems(values), ...toK8sFlagProblems(values)],
  run: async (values, _positionals, context) => {
    const cluster = await lookAtCluster(values, context);
    // An admission asks nothing of Consul.
    const consul = values.account === 'webhook' ? undefined : await lookAtConsul(values, cluster, context);
    const findings = [
      ...clusterFindings(cluster, Date.now()),
      ...(consul === undefined ? [] : consulFindings(consul)),
    ];
    context.stdout.write(values.output === 'json' ? findingsJson(findings) : findingLines(findings));
    return worst(findings) === 'failure' ? exit.internal : exit.done;
  },
});

// Every look inside has a limit of its own; this one is for what is around them, such as a login.
const WHOLE_MILLISECONDS = 30_000;

async function lookAtCluster(values: Values, { environment, signal }: Context): Promise<Probe<ClusterFacts>> {
  const { kubeconfig } = values;
  const opened = await probe(signal, () =>
    clusterAccess({ kubeconfig, environment, serviceAccount: SERVICE_ACCOUNT }),
  );
  if (opened.kind === 'failed') return opened;
  const client = apiClient(opened.value);
  try {
    const look = async (limited: AbortSignal): Promise<ClusterFacts> =>
      clusterFacts(
        {
          client,
          server: opened.value.server,
          webhookConfiguration: values.webhookConfiguration,
          needs: await needsOf(values, opened.value),
          owner: values.owner,
          settings: (owner) => toConsulSettings(values, owner),
        },
        limited,
      );
    return await probe(signal, look, WHOLE_MILLISECONDS);
  } finally {
    client.close();
  }
}

async function needsOf(values: Values, access: ClusterAccess): Promise<Needs> {
  const { account, owner, proxyMode, tlsAutoSecret, webhookConfiguration } = values;
  const namespace = await leaseNamespace(values.leaseNamespace, access);
  const shared = { namespace, secret: tlsAutoSecret, configuration: webhookConfiguration };
  return {
    webhook:
      account === 'sync'
        ? undefined
        : {
            shared: tlsAutoSecret === '' ? undefined : shared,
            ownerFromCluster: proxyMode === 'dataplane' && owner === undefined,
          },
    sync: account === 'webhook' ? undefined : syncNeeds(values, namespace),
  };
}

function syncNeeds(values: Values, namespace: string): SyncNeeds {
  const { consulHttpAddr: addresses } = values;
  const isHere = 'kind' in addresses && addresses.kubeconfig === undefined;
  return {
    toConsul: values.toConsul ? { ingresses: values.enableIngress } : undefined,
    registrar: values.registrar ? namingOf(values) : undefined,
    writeNamespace: values.toK8s ? (values.k8sWriteNamespace ?? namespace) : undefined,
    clusterNetwork: values.toK8s && !values.allowClusterAddresses,
    lease: { namespace, name: SYNC_LEASE },
    ownerFromCluster: values.owner === undefined,
    serverPodsNamespace: isHere ? addresses.namespace : undefined,
  };
}

function lookAtConsul(
  values: Values,
  cluster: Probe<ClusterFacts>,
  { environment, signal }: Context,
): Promise<Probe<ConsulFacts>> {
  const facts = cluster.kind === 'seen' ? cluster.value : undefined;
  const owner = values.owner ?? (facts?.owner?.kind === 'seen' ? facts.owner.value : undefined);
  const names = facts?.names?.kind === 'seen' ? facts.names.value.names : [];
  const look = (limited: AbortSignal): Promise<ConsulFacts> =>
    consulFacts(
      {
        values,
        cluster: { environment, kubeconfig: values.kubeconfig },
        ...consulQuestions(values, owner, names),
      },
      limited,
    );
  return probe(signal, look, WHOLE_MILLISECONDS);
}

function consulQuestions(
  values: Values,
  owner: string | undefined,
  services: readonly string[],
): Pick<ConsulQuestions, 'needs' | 'isOwnerKnown'> {
  const { consulNodeName, proxyMode, registrar, podAuthMethod, toConsul, toK8s } = values;
  const node = consulNodeName ?? (owner === undefined ? undefined : syncNodeName(values, owner));
  const needsNodes = registrar && proxyMode === 'dataplane';
  return {
    needs: {
      toConsul: toConsul ? { node, services } : undefined,
      registrar: registrar
        ? {
            nodes: needsNodes && owner !== undefined ? syntheticNodePrefix(owner) : undefined,
            deletesTokens: podAuthMethod !== undefined,
          }
        : undefined,
      toK8s,
    },
    isOwnerKnown: (!toConsul || node !== undefined) && (!needsNodes || owner !== undefined),
  };
}
