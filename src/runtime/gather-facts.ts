/** What `tandem check` judges, gathered from the cluster and from Consul. */
import { Resolver } from 'node:dns/promises';
import { ENTRY_KINDS } from '../catalog/config-entries/entry-kinds.ts';
import type { ClusterFacts } from '../check/cluster-findings.ts';
import type { ConsulFacts } from '../check/consul-findings.ts';
import type { Probe } from '../check/finding.ts';
import type { Needs, SyncNeeds } from '../check/rights.ts';
import type { CheckValues } from '../config/check-flags.ts';
import { namingOf } from '../config/naming-settings.ts';
import { syncNodeName } from '../config/sync-settings.ts';
import { syntheticNodePrefix } from '../inject/names.ts';
import { apiClient, type ClusterAccess } from '../kubernetes/api-client.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import { ownNamespace } from '../kubernetes/service-account.ts';
import { clusterFacts } from './check-cluster.ts';
import { consulFacts, type ConsulQuestions } from './check-consul.ts';
import type { Context } from './context.ts';
import { leaseNamespace, SYNC_LEASE } from './lease-namespace.ts';
import { probe } from './probe.ts';

type GatheredFacts = {
  readonly cluster: Probe<ClusterFacts>;
  /** Undefined where Consul does not matter. */
  readonly consul: Probe<ConsulFacts> | undefined;
};

/** Asks everything that the flags request; no question changes anything. */
export async function gatherFacts(values: CheckValues, context: Context): Promise<GatheredFacts> {
  const cluster = await askCluster(values, context);
  // An admission never asks Consul.
  const consul = values.account === 'webhook' ? undefined : await askConsul(values, cluster, context);
  return { cluster, consul };
}

// Every question has a limit of its own; this one is for what is around them, such as a login.
const WHOLE_MILLISECONDS = 30_000;

async function askCluster(
  values: CheckValues,
  { environment, signal }: Context,
): Promise<Probe<ClusterFacts>> {
  const { kubeconfig } = values;
  const opened = await probe(signal, () => clusterAccess({ kubeconfig, environment }));
  if (opened.kind === 'failed') return opened;
  const client = apiClient(opened.value);
  try {
    const ask = async (limited: AbortSignal): Promise<ClusterFacts> => {
      const needs = await needsOf(values, opened.value);
      const redirection = asksRedirection(values)
        ? await redirectionQuestions(values, opened.value)
        : undefined;
      return clusterFacts({ client, server: opened.value.server, values, needs, redirection }, limited);
    };
    return await probe(signal, ask, WHOLE_MILLISECONDS);
  } finally {
    client.close();
  }
}

/** The account of the catalog sync alone has nothing to do with pods, and that of the webhook may not read them. */
function asksRedirection({ account, registrar }: CheckValues): boolean {
  return account === 'all' || (account === 'sync' && registrar);
}

async function redirectionQuestions(
  { redirection, leaseNamespace: named, consulDomain, kubeconfig }: CheckValues,
  access: ClusterAccess,
): Promise<NonNullable<Parameters<typeof clusterFacts>[0]['redirection']>> {
  const isInPod = kubeconfig === undefined && (await ownNamespace()) !== undefined;
  return {
    way: redirection,
    namespace: await leaseNamespace(named, access),
    domain: consulDomain,
    resolver: isInPod ? new Resolver() : undefined,
  };
}

async function needsOf(values: CheckValues, access: ClusterAccess): Promise<Needs> {
  const { account, owner, proxyMode, tlsAutoSecret, webhookConfiguration } = values;
  const namespace = await leaseNamespace(values.leaseNamespace, access);
  const shared = {
    namespace,
    secret: tlsAutoSecret,
    configuration: webhookConfiguration,
    configEntries: values.configEntries,
  };
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

function syncNeeds(values: CheckValues, namespace: string): SyncNeeds {
  const { consulHttpAddr: addresses } = values;
  const isHere = 'kind' in addresses && addresses.kubeconfig === undefined;
  return {
    toConsul: values.toConsul ? { ingresses: values.enableIngress } : undefined,
    registrar: values.registrar ? namingOf(values) : undefined,
    writeNamespace: values.toK8s ? (values.k8sWriteNamespace ?? namespace) : undefined,
    clusterNetwork: values.toK8s && !values.allowClusterAddresses,
    configEntries: values.configEntries
      ? { kinds: ENTRY_KINDS, adopt: values.configEntriesAdopt }
      : undefined,
    lease: { namespace, name: SYNC_LEASE },
    ownerFromCluster: values.owner === undefined,
    serverPodsNamespace: isHere ? addresses.namespace : undefined,
  };
}

function askConsul(
  values: CheckValues,
  cluster: Probe<ClusterFacts>,
  { environment, signal }: Context,
): Promise<Probe<ConsulFacts>> {
  const facts = cluster.kind === 'seen' ? cluster.value : undefined;
  const owner = values.owner ?? (facts?.owner?.kind === 'seen' ? facts.owner.value : undefined);
  const names = facts?.names?.kind === 'seen' ? facts.names.value.names : [];
  const ask = (limited: AbortSignal): Promise<ConsulFacts> =>
    consulFacts(
      {
        values,
        cluster: { environment, kubeconfig: values.kubeconfig },
        asksMesh: asksRedirection(values),
        ...consulQuestions(values, owner, names),
      },
      limited,
    );
  return probe(signal, ask, WHOLE_MILLISECONDS);
}

function consulQuestions(
  values: CheckValues,
  owner: string | undefined,
  services: readonly string[],
): Pick<ConsulQuestions, 'needs' | 'isOwnerKnown'> {
  const { consulNodeName, proxyMode, registrar, podAuthMethod, deletePodTokens, toConsul, toK8s } = values;
  const node = consulNodeName ?? (owner === undefined ? undefined : syncNodeName(values, owner));
  const needsNodes = registrar && proxyMode === 'dataplane';
  return {
    needs: {
      toConsul: toConsul ? { node, services } : undefined,
      registrar: registrar
        ? {
            nodes: needsNodes && owner !== undefined ? syntheticNodePrefix(owner) : undefined,
            deletesTokens: deletePodTokens && podAuthMethod !== undefined,
          }
        : undefined,
      toK8s,
      configEntries: values.configEntries,
    },
    isOwnerKnown: (!toConsul || node !== undefined) && (!needsNodes || owner !== undefined),
  };
}
