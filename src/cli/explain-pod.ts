/** `tandem explain pod NAMESPACE/NAME`: whether it was injected and why not, how it stands in Consul, what is missing. */
import { readMeshNode, type MeshCluster } from '../catalog/connect/cluster.ts';
import { explainPod, type PodExplanation } from '../catalog/connect/explain.ts';
import type { ObservedRegistration } from '../catalog/connect/observed.ts';
import { readInjectedPod, type InjectedPod } from '../catalog/connect/pod.ts';
import { nodeOfPod } from '../catalog/connect/registration.ts';
import type { consulFlags } from '../config/consul-settings.ts';
import type { injectFlags } from '../config/inject-settings.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { readAgentNodes } from '../consul/agents.ts';
import type { OpenConsul } from '../consul/client.ts';
import { connectCatalog } from '../consul/connect-catalog.ts';
import { PREFIX } from '../inject/annotations.ts';
import { explainInjection, type InjectionExplanation } from '../inject/explain.ts';
import { apiClient, type ApiClient } from '../kubernetes/api-client.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import { SERVICE_ACCOUNT } from '../kubernetes/service-account.ts';
import { TandemError } from '../support/errors.ts';
import { asString, isObject, property } from '../support/json.ts';
import { clusterOwner } from './cluster-owner.ts';
import { OWNER_OF_FILES } from './cluster-objects.ts';
import type { Context } from './command.ts';
import { askConsul } from './consul-access.ts';
import { readManifestObjects } from './manifest-objects.ts';

export type ExplainPodValues = FlagValues<typeof consulFlags> &
  FlagValues<
    Pick<
      typeof injectFlags,
      'defaultInject' | 'defaultInjectExcludeNamespaces' | 'allowNamespaces' | 'denyNamespaces'
    >
  > & {
    readonly kubeconfig: string | undefined;
    readonly owner: string | undefined;
  };

export type ExplainedPod = {
  readonly source: string;
  readonly injection: InjectionExplanation;
  /** Those that Tandem reads or writes, by their full name, in order. */
  readonly annotations: readonly { readonly name: string; readonly value: string }[];
  /** Undefined for a pod that is no part of the mesh. */
  readonly registration: PodExplanation | undefined;
};

/**
 * @returns undefined when there is no such pod
 * @throws TandemError TANDEM_FILE_UNREADABLE, TANDEM_KUBECONFIG_INVALID, TANDEM_KUBERNETES_…
 */
export async function explainPodOf(
  namespace: string,
  name: string,
  files: readonly string[],
  values: ExplainPodValues,
  context: Context,
): Promise<ExplainedPod | undefined> {
  const found =
    files.length > 0
      ? await podInFiles(namespace, name, files, values, context)
      : await podInCluster(namespace, name, values, context);
  if (found === undefined) return undefined;
  const {
    defaultInject,
    defaultInjectExcludeNamespaces: defaultExclude,
    allowNamespaces,
    denyNamespaces,
  } = values;
  const settings = {
    defaultInject,
    defaultExclude,
    allowNamespaces,
    denyNamespaces,
    ownNamespace: undefined,
  };
  const injection = explainInjection(found.pod, namespace, settings);
  return {
    source: `Pod/${namespace}/${name}`,
    injection,
    annotations: annotationsOf(found.pod),
    registration:
      injection.kind === 'injected'
        ? await explainRegistration(found.pod, found.cluster, values, context)
        : undefined,
  };
}

type Found = { readonly pod: unknown; readonly cluster: MeshCluster };

async function podInFiles(
  namespace: string,
  name: string,
  files: readonly string[],
  { owner = OWNER_OF_FILES }: ExplainPodValues,
  { stdin }: Context,
): Promise<Found | undefined> {
  const objects = await readManifestObjects(files, stdin);
  const pod = objects.find(
    ({ kind, metadata }) =>
      kind === 'Pod' && property(metadata, 'namespace') === namespace && property(metadata, 'name') === name,
  );
  return pod === undefined
    ? undefined
    : {
        pod,
        cluster: clusterOf(
          owner,
          objects.filter(({ kind }) => kind === 'Node'),
        ),
      };
}

async function podInCluster(
  namespace: string,
  name: string,
  { kubeconfig, owner }: ExplainPodValues,
  { environment, signal }: Context,
): Promise<Found | undefined> {
  const client = apiClient(await clusterAccess({ kubeconfig, environment, serviceAccount: SERVICE_ACCOUNT }));
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
    const { status, body } = await client.request('GET', path, undefined, undefined, signal);
    if (status === 404) return undefined;
    if (status !== 200) {
      const why = asString(property(body, 'message')) ?? '';
      throw new TandemError(
        'TANDEM_KUBERNETES_REFUSED',
        `cannot read the pod ${namespace}/${name} (status ${status}: ${why}); it needs the right to get pods there`,
      );
    }
    const node = await nodeOf(body, client, signal);
    return { pod: body, cluster: clusterOf(owner ?? (await clusterOwner(client)), [node]) };
  } finally {
    client.close();
  }
}

function clusterOf(owner: string, nodes: readonly unknown[]): MeshCluster {
  const known = nodes.map(readMeshNode).filter((node) => node !== undefined);
  return { owner, node: (name) => known.find((each) => each.name === name) };
}

/** Undefined for a pod that has none yet, and for somebody who may not read nodes. */
async function nodeOf(pod: unknown, client: ApiClient, signal: AbortSignal): Promise<unknown> {
  const name = asString(property(property(pod, 'spec'), 'nodeName')) ?? '';
  if (name === '') return undefined;
  const path = `/api/v1/nodes/${encodeURIComponent(name)}`;
  const { status, body } = await client.request('GET', path, undefined, undefined, signal);
  return status === 200 ? body : undefined;
}

async function explainRegistration(
  raw: unknown,
  cluster: MeshCluster,
  values: ExplainPodValues,
  context: Context,
): Promise<PodExplanation | undefined> {
  const pod = readInjectedPod(raw);
  return pod && explainPod(pod, cluster, await seenInConsul(pod, cluster.owner, values, context));
}

function seenInConsul(
  pod: InjectedPod,
  owner: string,
  values: ExplainPodValues,
  context: Context,
): Promise<readonly ObservedRegistration[] | undefined> {
  const { signal } = context;
  return askConsul('explain', values, context, async (consul) => {
    const catalog = connectCatalog(consul);
    const nodes = await nodesOf(pod, owner, consul, signal);
    const read = await Promise.all(nodes.map((node) => catalog.read(node, signal)));
    return read.flatMap(({ instances }) => instances);
  });
}

async function nodesOf(
  pod: InjectedPod,
  owner: string,
  consul: OpenConsul,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { injection, hostIp } = pod;
  if (injection.kind !== 'agent') return [nodeOfPod(pod, owner)].filter((node) => node !== undefined);
  const nodes =
    hostIp === undefined ? [] : await readAgentNodes(consul, { host: hostIp, node: pod.node }, signal);
  return nodes.map(({ Node }) => Node);
}

function annotationsOf(pod: unknown): ExplainedPod['annotations'] {
  const annotations = property(property(pod, 'metadata'), 'annotations');
  return Object.entries(isObject(annotations) ? annotations : {})
    .filter(([name]) => name.startsWith(PREFIX))
    .map(([name, value]) => ({ name, value: String(value) }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}
