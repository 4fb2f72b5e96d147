/** `tandem check`: can Tandem work here, and what mends it when it cannot. */
import { clusterFindings, type ClusterFacts } from '../check/cluster.ts';
import { consulFindings, type ConsulFacts } from '../check/consul.ts';
import { findingLines, findingsJson, worst, type Probe } from '../check/finding.ts';
import { consulFlagProblems, consulFlags } from '../config/consul-settings.ts';
import { oneOf, string } from '../config/flag.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { syncNodeName, toConsulFlags, toConsulSettings } from '../config/sync-settings.ts';
import { apiClient } from '../kubernetes/api-client.ts';
import { clusterAccess, type ClusterAccess } from '../kubernetes/cluster-access.ts';
import { SERVICE_ACCOUNT } from '../kubernetes/service-account.ts';
import { clusterFacts } from './check-cluster.ts';
import { consulFacts } from './check-consul.ts';
import { command, exit, type Context } from './command.ts';
import { leaseNamespace } from './lease-namespace.ts';
import { probe } from './probe.ts';

const flags = {
  kubeconfig: string(
    'Access to the cluster; else KUBECONFIG, ~/.kube/config, or the service account of the pod.',
    'FILE',
    undefined,
  ),
  output: oneOf('Form of the findings.', ['text', 'json'], 'text'),
  webhookConfiguration: string('MutatingWebhookConfiguration of Tandem.', 'NAME', 'tandem-webhook'),
  leaseNamespace: string('Namespace of the Lease; the own one by default.', 'NAME', undefined, {
    variables: ['POD_NAMESPACE'],
  }),
  ...toConsulFlags,
  ...consulFlags,
};

type Values = FlagValues<typeof flags>;

export const checkCommand = command({
  name: 'check',
  summary: 'Say whether Tandem can work here, and what mends it when it cannot',
  operands: '',
  flags,
  shared: {
    title: 'Flags of the catalog and of Consul (docs/flags.md):',
    keys: [...Object.keys(toConsulFlags), ...Object.keys(consulFlags)],
  },
  examples: [
    'tandem check --kubeconfig=~/.kube/config --consul-http-addr=consul:8500',
    'tandem check --output=json',
  ],
  check: consulFlagProblems,
  run: async (values, _positionals, context) => {
    const cluster = await lookAtCluster(values, context);
    const consul = await lookAtConsul(values, cluster, context);
    const findings = [...clusterFindings(cluster, Date.now()), ...consulFindings(consul)];
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

async function needsOf(values: Values, access: ClusterAccess) {
  const { consulHttpAddr: addresses } = values;
  const isHere = 'kind' in addresses && addresses.kubeconfig === undefined;
  return {
    ingresses: values.enableIngress,
    leaseNamespace: await leaseNamespace(values.leaseNamespace, access),
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
  const owner = values.owner ?? (facts?.owner.kind === 'seen' ? facts.owner.value : undefined);
  const names = facts?.names.kind === 'seen' ? facts.names.value.names : [];
  const look = (limited: AbortSignal): Promise<ConsulFacts> =>
    consulFacts(
      {
        values,
        cluster: { environment, kubeconfig: values.kubeconfig },
        node: values.consulNodeName ?? (owner === undefined ? undefined : syncNodeName(values, owner)),
        services: names,
      },
      limited,
    );
  return probe(signal, look, WHOLE_MILLISECONDS);
}
