/** `tandem explain pod NAMESPACE/NAME`: whether it was injected and why not, its state in Consul, what is missing. */
import { namingOf, type namingFlags } from '../config/naming-settings.ts';
import { readMeshAccount, readMeshNode } from '../catalog/mesh/mesh-cluster.ts';
import { explainPod, type ExplainedAddress, type PodExplanation } from '../catalog/mesh/explain-pod.ts';
import type { ObservedRegistration } from '../catalog/mesh/observed-registration.ts';
import { meshOf, readInjectedPod, servicesOf, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { readMeshService } from '../catalog/mesh/mesh-service.ts';
import { nodeOfPod } from '../catalog/mesh/pod-registration.ts';
import type { consulFlags } from '../config/consul-settings.ts';
import type { injectFlags } from '../config/inject-settings.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { readAgentNodes, readNodesOfPod } from '../consul/agents.ts';
import type { OpenConsul } from '../consul/client.ts';
import { createPodSnapshot, type PodSnapshot } from '../controllers/pod-snapshot.ts';
import { connectCatalog } from '../consul/connect-catalog.ts';
import { ANNOTATION_PREFIX, INJECTED, STATUS } from '../model/kubernetes-names.ts';
import { readInjection } from '../inject/injected-pod.ts';
import { explainRedirection, type RedirectionExplanation } from '../inject/explain-redirect.ts';
import { explainInjection, type InjectionExplanation } from '../inject/explain.ts';
import type { ApiAnswer, ApiClient } from '../kubernetes/api-client.ts';
import { TandemError } from '../support/errors.ts';
import { asString, isObject, property, textAt } from '../support/json.ts';
import { clusterOwner } from './cluster-owner.ts';
import { objectsOfFiles, OWNER_OF_FILES } from './cluster-objects.ts';
import type { Context } from './context.ts';
import { askConsul } from './consul-access.ts';
import { explainAddress } from './explained-address.ts';
import { withCluster } from './with-cluster.ts';

type ExplainPodValues = FlagValues<typeof consulFlags> &
  FlagValues<
    Pick<
      typeof injectFlags,
      'defaultInject' | 'defaultInjectExcludeNamespaces' | 'allowNamespaces' | 'denyNamespaces'
    >
  > &
  FlagValues<typeof namingFlags> & {
    readonly kubeconfig: string | undefined;
    readonly owner: string | undefined;
  };

export type ExplainedPod = {
  readonly source: string;
  readonly injection: InjectionExplanation;
  /** Undefined for a pod that Tandem did not inject. */
  readonly redirection: RedirectionExplanation | undefined;
  /** Those that Tandem reads or writes, by their full name, in order. */
  readonly annotations: readonly { readonly name: string; readonly value: string }[];
  /** Undefined for a pod outside the mesh. */
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
  const settings = {
    ...values,
    defaultExclude: values.defaultInjectExcludeNamespaces,
    ownNamespace: undefined,
  };
  const injection = explainInjection(found.pod, namespace, settings);
  return {
    source: `Pod/${namespace}/${name}`,
    injection,
    redirection: injection.kind === 'injected' ? explainRedirection(found.pod) : undefined,
    annotations: annotationsOf(found.pod),
    registration:
      injection.kind === 'injected' ? await explainRegistration(found, values, context) : undefined,
  };
}

type Found = { readonly pod: unknown; readonly snapshot: PodSnapshot };

async function podInFiles(
  namespace: string,
  name: string,
  files: readonly string[],
  values: ExplainPodValues,
  context: Context,
): Promise<Found | undefined> {
  const objects = await objectsOfFiles(files, context);
  const pod = objects.findLast(
    ({ kind, metadata }) =>
      kind === 'Pod' && property(metadata, 'namespace') === namespace && property(metadata, 'name') === name,
  );
  if (pod === undefined) return undefined;
  const ofKind = (wanted: string): readonly unknown[] => objects.filter(({ kind }) => kind === wanted);
  const around = {
    nodes: ofKind('Node'),
    services: ofKind('Service'),
    accounts: ofKind('ServiceAccount'),
    pods: ofKind('Pod'),
  };
  return { pod, snapshot: snapshotOf(values.owner ?? ownerIn(pod) ?? OWNER_OF_FILES, values, around) };
}

/** The node on which the sidecar asks: files say nothing else about the cluster. */
function ownerIn(pod: unknown): string | undefined {
  const injection = readInjection(pod);
  const isKnown = injection.kind === 'dataplane' && injection.asksOn.kind === 'of-owner';
  return isKnown ? injection.asksOn.owner : undefined;
}

async function podInCluster(
  namespace: string,
  name: string,
  values: ExplainPodValues,
  { environment, signal }: Context,
): Promise<Found | undefined> {
  const { kubeconfig, owner } = values;
  return withCluster({ kubeconfig, environment }, async (client) => {
    const { status, body } = await askForOne(client, collectionIn(namespace, 'pods'), name, signal);
    if (status !== 200) {
      const why = textAt(body, 'message');
      throw new TandemError(
        'TANDEM_KUBERNETES_REFUSED',
        `cannot read the pod ${namespace}/${name} (status ${status}: ${why}); run tandem explain with an account that may get or list pods there, such as your own on your own machine`,
      );
    }
    const [pod] = itemsOf(body) ?? [];
    if (pod === undefined) return undefined;
    const around = await readAround(pod, namespace, values, client, signal);
    return { pod, snapshot: snapshotOf(owner ?? (await clusterOwner(client, signal)), values, around) };
  });
}

function collectionIn(namespace: string, plural: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

/**
 * The account of the registrar may list what it watches, but not get; that of a person may get but not list.
 *
 * @returns a list without it when it is not there, or how the list was refused
 */
async function askForOne(
  client: ApiClient,
  collection: string,
  name: string,
  signal: AbortSignal,
): Promise<Pick<ApiAnswer, 'status' | 'body'>> {
  // Kubernetes, apimachinery/pkg/fields, `EscapeValue`.
  const escaped = name.replaceAll(/[\\,=]/g, (character) => `\\${character}`);
  const path = `${collection}?fieldSelector=${encodeURIComponent(`metadata.name=${escaped}`)}`;
  const list = await client.request('GET', path, undefined, signal);
  if (list.status !== 403) return list;
  const { status, body } = await client.request(
    'GET',
    `${collection}/${encodeURIComponent(name)}`,
    undefined,
    signal,
  );
  if (status === 200) return { status, body: { items: [body] } };
  return status === 404 ? { status: 200, body: { items: [] } } : list;
}

/** JSON of what the registration of a pod depends on. */
type Around = {
  readonly nodes: readonly unknown[];
  /** Undefined when they may not be read, or do not matter. */
  readonly services: readonly unknown[] | undefined;
  readonly accounts: readonly unknown[];
  /** Beside the pod itself: those that may be behind the same Service. */
  readonly pods: readonly unknown[];
};

function snapshotOf(owner: string, values: ExplainPodValues, around: Around): PodSnapshot {
  const snapshot = createPodSnapshot({ owner, ...namingOf(values) });
  for (const each of around.nodes) snapshot.nodeChanged(undefined, readMeshNode(each));
  for (const each of around.services ?? []) snapshot.serviceChanged(undefined, readMeshService(each));
  for (const each of around.pods.map(readInjectedPod)) snapshot.podChanged(undefined, each);
  if (around.services !== undefined) snapshot.servicesListed();
  for (const each of around.accounts) {
    const account = readMeshAccount(each);
    if (account !== undefined) snapshot.accountChanged(undefined, account);
  }
  return snapshot;
}

/** What this account may not read is treated as absent. */
async function readAround(
  pod: unknown,
  namespace: string,
  values: ExplainPodValues,
  client: ApiClient,
  signal: AbortSignal,
): Promise<Around> {
  const naming = namingOf(values);
  const items = ({ status, body }: Pick<ApiAnswer, 'status' | 'body'>): readonly unknown[] | undefined =>
    status === 200 ? itemsOf(body) : undefined;
  const list = async (path: string): Promise<readonly unknown[] | undefined> => {
    return items(await client.request('GET', path, undefined, signal));
  };
  const one = async (collection: string, name: string): Promise<readonly unknown[] | undefined> =>
    items(await askForOne(client, collection, name, signal));
  const spec = property(pod, 'spec');
  const node = textAt(spec, 'nodeName');
  const injected = readInjectedPod(pod);
  // Each of several services is the one of the ServiceAccount of its name.
  const names = injected === undefined ? [] : servicesOf(injected).map(({ service }) => service.name);
  const accounts = [asString(property(spec, 'serviceAccountName')) ?? 'default', ...names];
  const isRedirected = injected !== undefined && meshOf(injected)?.isTransparent === true;
  const selector = encodeURIComponent(`${STATUS}=${INJECTED}`);
  const [nodes, services, ofAccounts, pods] = await Promise.all([
    node === '' ? undefined : one('/api/v1/nodes', node),
    naming.namesFollowServices || isRedirected ? list(collectionIn(namespace, 'services')) : undefined,
    Promise.all(
      naming.podsLogIn
        ? [...new Set(accounts)].map((each) => one(collectionIn(namespace, 'serviceaccounts'), each))
        : [],
    ),
    isRedirected ? list(`${collectionIn(namespace, 'pods')}?labelSelector=${selector}`) : undefined,
  ]);
  return { nodes: nodes ?? [], services, accounts: ofAccounts.flat(), pods: [pod, ...(pods ?? [])] };
}

function itemsOf(list: unknown): readonly unknown[] | undefined {
  const items = property(list, 'items');
  return Array.isArray(items) ? items : undefined;
}

async function explainRegistration(
  { pod: raw, snapshot }: Found,
  values: ExplainPodValues,
  context: Context,
): Promise<PodExplanation | undefined> {
  const pod = readInjectedPod(raw);
  if (pod === undefined) return undefined;
  const seen = await seenInConsul(pod, snapshot, values, context);
  const address = seen?.address ?? (await explainAddress(pod, snapshot, undefined, context.signal));
  return explainPod(pod, snapshot.cluster, seen?.instances, address);
}

type Seen = { readonly instances: readonly ObservedRegistration[]; readonly address: ExplainedAddress };

function seenInConsul(
  pod: InjectedPod,
  snapshot: PodSnapshot,
  values: ExplainPodValues,
  context: Context,
): Promise<Seen | undefined> {
  const { signal } = context;
  return askConsul(values, context, async (consul) => {
    const catalog = connectCatalog(consul);
    const nodes = await nodesOf(pod, snapshot.cluster.owner, consul, signal);
    const read = await Promise.all(nodes.map((node) => catalog.read(node, signal)));
    const instances = read.flatMap((each) => each.instances);
    const inConsul = { instances, holders: catalog.holders };
    return { instances, address: await explainAddress(pod, snapshot, inConsul, signal) };
  });
}

/** In agent mode, wherever Consul has its instances: an agent may have another name and address than its node. */
async function nodesOf(
  pod: InjectedPod,
  owner: string,
  consul: OpenConsul,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { injection, hostIp, node } = pod;
  if (injection.kind !== 'agent') return [nodeOfPod(pod, owner)].filter((each) => each !== undefined);
  const mesh = meshOf(pod);
  const [byAgent, byInstance] = await Promise.all([
    hostIp === undefined ? [] : readAgentNodes(consul, { host: hostIp, node }, signal),
    mesh === undefined ? [] : readNodesOfPod(consul, mesh.service.name, pod.uid, signal),
  ]);
  return [...new Set([...byAgent.map(({ Node }) => Node), ...byInstance])];
}

function annotationsOf(pod: unknown): ExplainedPod['annotations'] {
  const annotations = property(property(pod, 'metadata'), 'annotations');
  return Object.entries(isObject(annotations) ? annotations : {})
    .filter(([name]) => name.startsWith(ANNOTATION_PREFIX))
    .map(([name, value]) => ({ name, value: String(value) }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}
