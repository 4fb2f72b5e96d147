/** `provider=k8s …`: which pods of which cluster are servers of Consul. */
import { isDnsLabel } from '../support/dns-name.ts';
import { BOOLEAN_WORDS, nearest, parseBoolean, quote } from '../support/text.ts';
import { parseKeyValues } from './key-values.ts';

export type AutoJoin = {
  readonly kind: 'auto-join';
  /** Undefined: the default cluster. */
  readonly kubeconfig: string | undefined;
  readonly namespace: string;
  /** Empty: all pods. */
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** The addresses and ports of the hosts instead of those of the pods. */
  readonly hostNetwork: boolean;
};

type ParsedAutoJoin =
  | { readonly ok: true; readonly value: AutoJoin }
  /** One sentence that names the key. */
  | { readonly ok: false; readonly problem: string };

const KEYS = ['provider', 'kubeconfig', 'namespace', 'label_selector', 'field_selector', 'host_network'];

/** The keys of https://developer.hashicorp.com/consul/docs/install/cloud-auto-join, "Kubernetes". Never throws. */
export function parseAutoJoin(text: string): ParsedAutoJoin {
  const parsed = parseKeyValues(text);
  if (!parsed.ok) return parsed;
  const value = (key: string): string => parsed.values.get(key) ?? '';
  const unknown = [...parsed.values.keys()].find((key) => !KEYS.includes(key));
  const hostNetwork = value('host_network') === '' ? false : parseBoolean(value('host_network'));
  const namespace = value('namespace') || 'default';
  if (value('provider') === '') return wrong('provider: it is missing, and must be k8s');
  if (value('provider') !== 'k8s')
    return wrong(`provider: ${quote(value('provider'))} is unknown; it must be k8s`);
  if (unknown !== undefined) return wrong(unknownKey(unknown));
  // It becomes a part of a path.
  if (!isDnsLabel(namespace)) return wrong(`namespace: ${quote(namespace)} is not a valid namespace name`);
  if (hostNetwork === undefined)
    return wrong(`host_network: ${quote(value('host_network'))} is not one of ${BOOLEAN_WORDS}`);
  return {
    ok: true,
    value: {
      kind: 'auto-join',
      kubeconfig: value('kubeconfig') || undefined,
      namespace,
      labelSelector: value('label_selector'),
      fieldSelector: value('field_selector'),
      hostNetwork,
    },
  };
}

function unknownKey(key: string): string {
  const near = nearest(key, KEYS);
  const hint = near === undefined ? `the keys are ${KEYS.join(', ')}` : `did you mean ${near}?`;
  return `${quote(key)}: unknown key; ${hint}`;
}

function wrong(problem: string): ParsedAutoJoin {
  return { ok: false, problem };
}
