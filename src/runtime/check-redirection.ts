/** What `tandem check` asks a cluster about transparent proxy. */
import type { Resolver } from 'node:dns/promises';
import type { Probe } from '../check/finding.ts';
import type { SidecarLimit } from '../check/mesh-findings.ts';
import {
  hasServerBlock,
  type DnsFact,
  type RedirectionFacts,
  type RedirectorFacts,
  type WrongLabel,
  wrongLabelsOf,
} from '../check/redirection-findings.ts';
import { DATAPLANE_CONTAINER, ENVOY_CONTAINER } from '../inject/names.ts';
import { parseQuantity } from '../inject/quantity.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { listValues } from '../kubernetes/list-pages.ts';
import { hasEnded, isConditionTrue } from '../model/object-status.ts';
import { INJECTED, REDIRECT_STATUS, STATUS } from '../model/kubernetes-names.ts';
import { TandemError } from '../support/errors.ts';
import { asString, elementsAt, property, textAt } from '../support/json.ts';
import { probe } from './probe.ts';

type AskedResolver = Pick<Resolver, 'resolveSoa' | 'cancel'>;

export type RedirectionQuestions = {
  readonly client: ApiClient;
  readonly way: RedirectionFacts['way'];
  /** Of the release. */
  readonly namespace: string;
  readonly domain: string;
  /** Asks as this pod asks; undefined outside of the cluster. */
  readonly resolver: AskedResolver | undefined;
};

/** All questions at once, each with its own limit. */
export async function redirectionFacts(
  { client, way, namespace, domain, resolver }: RedirectionQuestions,
  signal: AbortSignal,
): Promise<RedirectionFacts & { readonly limits: Probe<readonly SidecarLimit[]> }> {
  const [redirectors, labels, limits, isKnown, address] = await Promise.all([
    way === 'init' ? undefined : probe(signal, (limited) => readRedirectors(client, namespace, limited)),
    probe(signal, (limited) => readLabels(client, limited)),
    probe(signal, (limited) => readLimits(client, limited)),
    probe(signal, (limited) =>
      resolver === undefined ? readCorefile(client, domain, limited) : knowsDomain(resolver, domain, limited),
    ),
    probe(signal, (limited) => readDnsAddress(client, namespace, limited)),
  ]);
  const dns: DnsFact = {
    domain,
    by: resolver === undefined ? 'corefile' : 'lookup',
    isKnown,
    address: address.kind === 'seen' ? address.value : undefined,
  };
  return { way, namespace, redirectors, labels, limits, dns };
}

async function readRedirectors(
  client: ApiClient,
  namespace: string,
  signal: AbortSignal,
): Promise<RedirectorFacts> {
  // Only in that namespace: anybody may set such a label on a pod of their own.
  const labelSelector = 'app.kubernetes.io/name=tandem,app.kubernetes.io/component=redirector';
  const [nodes, pods] = await Promise.all([
    listValues(
      client,
      { path: '/api/v1/nodes', query: { labelSelector: 'kubernetes.io/os!=windows' } },
      (node) => node,
      signal,
    ),
    listValues(client, { path: podsOf(namespace), query: { labelSelector } }, (pod) => pod, signal),
  ]);
  const ready = new Set(
    pods
      .filter((pod) => isConditionTrue(pod, 'Ready'))
      .map((pod) => asString(property(property(pod, 'spec'), 'nodeName'))),
  );
  const places = nodes.filter((node) => isConditionTrue(node, 'Ready') && !isVirtual(node)).map(nameOf);
  return {
    count: pods.length,
    nodes: places.length,
    leftOut: nodes.length - places.length,
    without: places.filter((node) => !ready.has(node)),
  };
}

// Labels of virtual-kubelet (Azure Container Instances and others), and of AWS Fargate: no DaemonSet runs there.
const VIRTUAL = [
  ['type', 'virtual-kubelet'],
  ['eks.amazonaws.com/compute-type', 'fargate'],
] as const;

function isVirtual(node: unknown): boolean {
  const labels = property(property(node, 'metadata'), 'labels');
  return VIRTUAL.some(([label, value]) => property(labels, label) === value);
}

function podsOf(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
}

function readLabels(client: ApiClient, signal: AbortSignal): Promise<readonly WrongLabel[]> {
  const wrong = (namespace: unknown): readonly WrongLabel[] => wrongLabelsOf(property(namespace, 'metadata'));
  return listValues(client, { path: '/api/v1/namespaces', query: {} }, wrong, signal).then((all) =>
    all.flat(),
  );
}

async function readLimits(client: ApiClient, signal: AbortSignal): Promise<readonly SidecarLimit[]> {
  const query = { labelSelector: `${STATUS}=${INJECTED}` };
  return (await listValues(client, { path: '/api/v1/pods', query }, limitsOf, signal)).flat();
}

/** Of a pod with redirected traffic that has not ended: those of its sidecars that have a limit. */
function limitsOf(pod: unknown): readonly SidecarLimit[] {
  const [metadata, spec] = ['metadata', 'spec'].map((key) => property(pod, key));
  const isRedirected = property(property(metadata, 'annotations'), REDIRECT_STATUS) === 'enabled';
  if (!isRedirected || hasEnded(pod)) return [];
  return [...elementsAt(spec, 'initContainers'), ...elementsAt(spec, 'containers')]
    .filter((container) => isSidecar(textAt(container, 'name')))
    .flatMap((container) => {
      const limit = asString(property(property(property(container, 'resources'), 'limits'), 'memory'));
      const bytes = parseQuantity(limit ?? '');
      return bytes === undefined ? [] : [{ pod: `${textAt(metadata, 'namespace')}/${nameOf(pod)}`, bytes }];
    });
}

/** With several services, each has one, with the name of the service at the end (`consul-dataplane-web`). */
function isSidecar(name: string): boolean {
  return [ENVOY_CONTAINER, DATAPLANE_CONTAINER].some((each) => name === each || name.startsWith(`${each}-`));
}

/**
 * Consul answers for its domain itself, whatever the ACLs are; nobody else is authoritative for it.
 *
 * @throws TandemError TANDEM_KUBERNETES_UNREACHABLE when there is no answer
 */
export async function knowsDomain(
  resolver: AskedResolver,
  domain: string,
  signal: AbortSignal,
): Promise<boolean> {
  // It would run for another half a minute, and the process with it.
  signal.addEventListener('abort', () => resolver.cancel());
  try {
    await resolver.resolveSoa(domain);
    return true;
  } catch (error) {
    const code = textAt(error, 'code');
    if (['ENOTFOUND', 'ENODATA', 'EREFUSED'].includes(code)) return false;
    throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', `its answer is ${code || String(error)}`, error);
  }
}

async function readCorefile(client: ApiClient, domain: string, signal: AbortSignal): Promise<boolean> {
  const path = '/api/v1/namespaces/kube-system/configmaps/coredns';
  const { status, body } = await client.request('GET', path, undefined, signal);
  const corefile = asString(property(property(body, 'data'), 'Corefile'));
  const isThere = corefile === undefined ? undefined : hasServerBlock(corefile, domain);
  if (isThere !== undefined) return isThere;
  const why =
    status === 200
      ? 'the Corefile imports other files, has a block for a domain above, or is not there'
      : `status ${status}`;
  throw new TandemError('TANDEM_KUBERNETES_REFUSED', `GET ${path}: ${why}`);
}

async function readDnsAddress(
  client: ApiClient,
  namespace: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const query = { labelSelector: 'app.kubernetes.io/name=consul,app.kubernetes.io/component=dns' };
  const path = podsOf(namespace).replace(/pods$/, 'services');
  const addressOf = (service: unknown): string => textAt(property(service, 'spec'), 'clusterIP');
  return (await listValues(client, { path, query }, addressOf, signal)).find((address) => /\d/.test(address));
}

function nameOf(object: unknown): string {
  return textAt(property(object, 'metadata'), 'name');
}
