/** The flags of Consul → Kubernetes, and the settings that they make. */
import {
  toK8sHealthRules,
  toK8sModes,
  type ToK8sSettings,
} from '../catalog/to-kubernetes/to-k8s-settings.ts';
import { isCidr } from '../support/cidr.ts';
import { boolean, list, oneOf, parsed, splitList, string, type Parsed } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';

export const toK8sFlags = {
  toConsul: boolean('Register the Services of the cluster in Consul.', true),
  toK8s: boolean('Create a Kubernetes Service for every Consul service.', false),
  k8sWriteNamespace: string(
    'Namespace for these Services. Tandem writes to no other. Default: the namespace of the pod.',
    'NAME',
    undefined,
  ),
  k8sServicePrefix: string('Prefix for the names of these Services.', 'TEXT', ''),
  toK8sMode: oneOf(
    "endpoints: a Service with the healthy instances in EndpointSlices. external-name: an ExternalName that points into Consul's DNS.",
    toK8sModes,
    'endpoints',
  ),
  toK8sHealth: oneOf(
    "Which instances become endpoints. not-critical: those without a critical check, as in Consul's DNS. passing: those whose checks all pass.",
    toK8sHealthRules,
    'not-critical',
  ),
  toK8sServices: list('Consul services to take, as patterns with * and ?.', 'NAMES', ['*']),
  toK8sTag: string('Take only Consul services with this tag. Empty means all.', 'TAG', ''),
  toK8sFilter: string(
    'Take only Consul services with an instance that matches this filter expression over the fields of /v1/catalog/service.',
    'EXPRESSION',
    '',
  ),
  allowClusterAddresses: boolean(
    'Accept Consul instances with an address inside the cluster. They bypass NetworkPolicies.',
    false,
  ),
  clusterCidrs: parsed<readonly string[]>(
    'More ranges of pods and Services, besides those that the API server knows. Many network plugins do not use the podCIDRs of Nodes.',
    'CIDRS',
    [],
    cidrs,
  ),
};

type Values = FlagValues<typeof toK8sFlags> & {
  readonly consulK8sTag: string;
  readonly consulDomain: string;
  readonly clusterDomain: string;
};

function cidrs(text: string): Parsed<readonly string[]> {
  const value = splitList(text);
  return value.every(isCidr)
    ? { ok: true, value }
    : { ok: false, expected: 'a list of ranges such as 10.244.0.0/16,fd00:10::/64' };
}

/** One problem in one sentence each; empty when the flags go together. */
export function toK8sFlagProblems({
  toConsul,
  toK8s,
  registrar,
  configEntries,
}: FlagValues<typeof toK8sFlags> & {
  readonly registrar: boolean;
  readonly configEntries: boolean;
}): string[] {
  if (toConsul || toK8s || registrar || configEntries) return [];
  return [
    '--to-consul=false needs --to-k8s, --registrar or --config-entries; otherwise there is nothing to do',
  ];
}

/** @param namespace the flag's, or the own one */
export function toK8sSettings(values: Values, owner: string, namespace: string): ToK8sSettings {
  return {
    owner,
    namespace,
    prefix: values.k8sServicePrefix,
    mode: values.toK8sMode,
    services: values.toK8sServices,
    onlyTag: values.toK8sTag,
    syncedTag: values.consulK8sTag,
    allowClusterAddresses: values.allowClusterAddresses,
    clusterDomain: values.clusterDomain,
    domain: values.consulDomain,
  };
}
