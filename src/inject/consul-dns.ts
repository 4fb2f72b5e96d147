/**
 * DNS of a transparent pod by its sidecar: a name server on the loopback address in front of those of the cluster, and the
 * pod's own policy, which would name others. `dnsPolicy: None` takes nothing but `dnsConfig` (Kubernetes, "Pod's DNS Config").
 */
import { asList, asString, isObject, property } from '../support/json.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { presence, type Pod } from './pod.ts';
import { create, elementsOf, prepend, type Growth, type PodEdit } from './pod-edit.ts';
import { dnsLists, type Resolver } from './resolver.ts';
import type { InjectSettings } from './settings.ts';

/** Where consul-dataplane answers, besides port 53 of the loopback address. */
export const DNS_PORT = 8600;
const LOOPBACK = '127.0.0.1';
// k8s.io/kubernetes, pkg/apis/core/validation: MaxDNSNameservers, MaxDNSSearchPaths, MaxDNSSearchListChars.
const MOST_NAMESERVERS = 3;
const MOST_SEARCHES = 32;
const LONGEST_SEARCHES = 2048;

/** What comes before the author's own lists; undefined for a pod that does not want it. */
export function readConsulDns(
  pod: Pod,
  reader: AnnotationReader,
  settings: InjectSettings,
): Resolver | undefined {
  const { mode, ownNamespace, redirect } = settings;
  if (!reader.boolean('consul-dns', redirect.dns)) return undefined;
  const problem = (message: string): undefined => {
    reader.problem('consul-dns', message);
    return undefined;
  };
  if (mode === 'agent') return problem('needs --proxy-mode=dataplane: only consul-dataplane answers DNS');
  const policy = pod.dns['dnsPolicy'] ?? 'ClusterFirst';
  if (policy === 'Default')
    return problem('is not possible with dnsPolicy: Default, whose name servers only the node knows');
  const base = policy === 'None' ? NOTHING : redirect.resolver;
  if (base === undefined)
    return problem(
      'is not possible here: the name servers of the cluster are read by tandem webhook in its pod',
    );
  const config = pod.dns['dnsConfig'];
  const nameservers = [LOOPBACK, ...base.nameservers];
  const all = nameservers.length + length(property(config, 'nameservers'));
  if (all > MOST_NAMESERVERS)
    return problem(
      `makes ${all} name servers with those of the cluster and of spec.dnsConfig; Kubernetes takes ${MOST_NAMESERVERS}`,
    );
  const own = `${ownNamespace ?? ''}.svc.`;
  const searches = base.searches.map((each) =>
    each.startsWith(own) ? `${pod.namespace}.svc.${each.slice(own.length)}` : each,
  );
  const searched = [...searches, ...asList(property(config, 'searches'))];
  const characters = searched.join(' ').length;
  if (searched.length > MOST_SEARCHES || characters > LONGEST_SEARCHES)
    return problem(
      `makes ${searched.length} search domains of ${characters} characters with those of the cluster and of spec.dnsConfig; Kubernetes takes ${MOST_SEARCHES}, and ${LONGEST_SEARCHES} characters`,
    );
  const names = new Set(optionNames(property(config, 'options')));
  return { nameservers, searches, options: base.options.filter(({ name }) => !names.has(name)) };
}

const NOTHING: Resolver = { nameservers: [], searches: [], options: [] };

function length(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

function optionNames(options: unknown): readonly string[] {
  return asList(options).flatMap((each) => asString(property(each, 'name')) ?? []);
}

export type DnsGrowth = {
  readonly policy: PodEdit;
  /** The edit that creates `dnsConfig`; undefined if the pod has one. */
  readonly config: PodEdit | undefined;
  readonly lists: readonly (Growth & { readonly key: (typeof dnsLists)[number] })[];
};

export function dnsGrowth({ dns: own }: Pod, dns: Resolver): DnsGrowth {
  const path = '/spec/dnsPolicy';
  const policy = presence(own, 'dnsPolicy');
  const config = presence(own, 'dnsConfig');
  const filled = dnsLists.filter((key) => dns[key].length > 0);
  return {
    policy:
      policy === 'present'
        ? { kind: 'set', path, before: own['dnsPolicy'], after: 'None' }
        : create(path, policy, 'None'),
    config:
      config === 'present'
        ? undefined
        : create('/spec/dnsConfig', config, Object.fromEntries(filled.map((key) => [key, dns[key]]))),
    lists: dnsLists.map((key) => {
      const added = config === 'present' ? dns[key] : [];
      return { key, ...prepend(`/spec/dnsConfig/${key}`, presence(own['dnsConfig'], key), added) };
    }),
  };
}

/** What `uninject` needs to know of it; `policy` is the former value, if there was one. */
export type DnsRecord = { readonly policy?: unknown } & DnsCounts;
type DnsCounts = Readonly<Record<(typeof dnsLists)[number], number>>;

export function dnsRecord({ policy, lists }: DnsGrowth): DnsRecord {
  const counts = Object.fromEntries(lists.map((list) => [list.key, elementsOf(list).length])) as DnsCounts;
  return { ...(policy.kind === 'set' && policy.before !== null ? { policy: policy.before } : {}), ...counts };
}

export function isDnsRecord(value: unknown): value is DnsRecord {
  return isObject(value) && dnsLists.every((key) => typeof value[key] === 'number');
}
