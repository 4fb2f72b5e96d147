/** What transparent proxy needs in a cluster. */
import { ANNOTATION_PREFIX, INJECT_LABEL, REDIRECT_LABEL } from '../model/kubernetes-names.ts';
import { asString, property, textAt } from '../support/json.ts';
import { firstOf, listed } from '../support/listed.ts';
import { BOOLEAN_WORDS, parseBoolean, quote } from '../support/text.ts';
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';
import { clusterFix } from './fix-of.ts';

export type RedirectionFacts = {
  /** `auto`: nobody set it. */
  readonly way: 'auto' | 'init' | 'node';
  /** Where the redirectors are. */
  readonly namespace: string;
  /** Undefined with the way `init`, which needs none. */
  readonly redirectors: Probe<RedirectorFacts> | undefined;
  readonly labels: Probe<readonly WrongLabel[]>;
  readonly dns: DnsFact;
};

export type RedirectorFacts = {
  /** How many redirectors there are, whatever their state. */
  readonly count: number;
  /** How many nodes there are on which redirected pods can start: Ready, not virtual, and without Windows. */
  readonly nodes: number;
  /** Those that are virtual or not Ready. */
  readonly leftOut: number;
  /** Of those nodes, the ones without a redirector that is ready. */
  readonly without: readonly string[];
};

/** A label of a namespace that has no effect. */
export type WrongLabel = { readonly namespace: string; readonly label: string; readonly value: string };

export type DnsFact = {
  readonly domain: string;
  /** `lookup`: asked as this pod asks. `corefile`: read from the ConfigMap of CoreDNS. */
  readonly by: 'lookup' | 'corefile';
  readonly isKnown: Probe<boolean>;
  /** Of the DNS Service of the chart; undefined when it is not known. */
  readonly address: string | undefined;
};

const DNS_LABEL = `${ANNOTATION_PREFIX}consul-dns`;
// A cluster may have thousands of nodes and namespaces, and a finding is one line.
const SHOWN = 10;

export function redirectionFindings(facts: RedirectionFacts): readonly Finding[] {
  return [
    ...(facts.redirectors === undefined ? [] : [redirectorFinding(facts, facts.redirectors)]),
    ...labelFindings(facts.labels),
    dnsFinding(facts.dns),
  ];
}

function redirectorFinding(
  { way, namespace }: Pick<RedirectionFacts, 'way' | 'namespace'>,
  redirectors: Probe<RedirectorFacts>,
): Finding {
  const elsewhere = 'give --lease-namespace if Tandem is in another namespace';
  if (redirectors.kind === 'failed')
    return warning(
      'redirectors',
      `cannot tell whether every node has a redirector: ${redirectors.reason}`,
      clusterFix(redirectors, `allow this account to list nodes, and pods in ${namespace}; ${elsewhere}`),
    );
  const { count, nodes, leftOut, without } = redirectors.value;
  if (count === 0) {
    const judge = way === 'node' ? failure : warning;
    const seen = `there is no redirector in the namespace ${namespace}: no transparent pod starts that waits for one`;
    const fix = `label the namespace pod-security.kubernetes.io/enforce=privileged, and see kubectl -n ${namespace} describe daemonset; ${elsewhere}`;
    const notNeeded = 'give --redirection=init if pods write their own rules';
    return judge('redirectors', seen, way === 'node' ? fix : `${fix}; ${notNeeded}`);
  }
  return without.length === 0
    ? ok('redirectors', `each of ${nodes} nodes has one that is ready${leftOutText(leftOut)}`)
    : failure(
        'redirectors',
        `no redirector is ready on ${listed(without, SHOWN)}: new transparent pods wait there${leftOutText(leftOut)}`,
        `see kubectl -n ${namespace} get pods -l app.kubernetes.io/component=redirector -o wide, and describe the one of that node`,
      );
}

function leftOutText(nodes: number): string {
  return nodes === 0 ? '' : `; nodes that are virtual or not Ready are left out: ${nodes}`;
}

function labelFindings(labels: Probe<readonly WrongLabel[]>): readonly Finding[] {
  if (labels.kind === 'failed')
    return [
      warning(
        'namespace-labels',
        `cannot tell whether the labels of namespaces are booleans: ${labels.reason}`,
        clusterFix(labels, 'run tandem check with an account that may list namespaces, such as your own'),
      ),
    ];
  if (labels.value.length === 0)
    return [ok('namespace-labels', 'every label of ours on a namespace has an effect')];
  return firstOf(labels.value, SHOWN, wrongLabel, (left) =>
    warning('namespace-labels', `${left} more labels have no effect`, 'see above'),
  );
}

function wrongLabel({ namespace, label, value }: WrongLabel): Finding {
  if (label === DNS_LABEL)
    return warning(
      'namespace-labels',
      `the namespace ${namespace} has the label ${label}, which is ignored`,
      'set the annotation of that name on pods, or --consul-dns-redirection',
    );
  const has = `the namespace ${namespace} has the label ${label}=${quote(value)}`;
  return label === INJECT_LABEL
    ? warning(
        'namespace-labels',
        `${has}, but only "true" has an effect, so it is ignored`,
        parseBoolean(value) === false
          ? 'remove it; to keep out its pods, put the namespace on the deny list of the webhook (--deny-namespaces)'
          : `kubectl label --overwrite namespace ${namespace} ${label}=true`,
      )
    : warning(
        'namespace-labels',
        `${has}, which is not a boolean, so it is ignored`,
        `make it one of ${BOOLEAN_WORDS}`,
      );
}

type HasEffect = (value: string) => boolean;

/** The API server compares the label of injection letter by letter, in the selector of the webhook. */
const LABELS: readonly (readonly [string, HasEffect])[] = [
  [INJECT_LABEL, (value) => value === 'true'],
  [REDIRECT_LABEL, (value) => parseBoolean(value) !== undefined],
  [DNS_LABEL, () => false],
];

/** @param metadata of a namespace */
export function wrongLabelsOf(metadata: unknown): readonly WrongLabel[] {
  const namespace = textAt(metadata, 'name');
  return LABELS.flatMap(([label, hasEffect]) => {
    const value = asString(property(property(metadata, 'labels'), label));
    return value === undefined || hasEffect(value) ? [] : [{ namespace, label, value }];
  });
}

function dnsFinding({ domain, by, isKnown, address }: DnsFact): Finding {
  if (isKnown.kind === 'failed')
    return warning(
      'consul-dns',
      `cannot tell whether the DNS of the cluster knows ${quote(domain)}: ${isKnown.reason}`,
      'run tandem check in a pod of tandem sync, which asks as every pod does',
    );
  if (isKnown.value)
    return ok(
      'consul-dns',
      by === 'lookup'
        ? `the DNS of the cluster knows the domain ${quote(domain)}`
        : `the Corefile of CoreDNS has a server block for the domain ${quote(domain)}`,
    );
  const to = address ?? '<address of the DNS Service>';
  const names = `names such as web.virtual.${domain}`;
  return warning(
    'consul-dns',
    by === 'lookup'
      ? `the DNS of the cluster does not know the domain ${quote(domain)}, so no pod finds ${names}`
      : `the Corefile of CoreDNS has no server block for the domain ${quote(domain)}, so pods find ${names} only if the DNS behind it knows them`,
    `where pods use such names, add to the Corefile of CoreDNS the lines "${domain}:53 {", "forward . ${to}" and "}" (docs/install.md, "Names of Consul in the DNS of the cluster")`,
  );
}

/**
 * A server block begins with its zones, and `forward` may have one of its own (CoreDNS, "Corefile explained" and "forward").
 *
 * @returns undefined when it imports files, or has a block for a domain above: the answer may be behind those
 */
export function hasServerBlock(corefile: string, domain: string): boolean | undefined {
  const wanted = zoneName(domain);
  let isBehind = /^[ \t]*import\s/m.test(corefile);
  let depth = 0;
  for (const line of corefile.split('\n')) {
    const words = line.replace(/#.*/, '').split(/[\s,]+/);
    const zones =
      depth === 0 ? words : words.filter((_, index, { [index - 1]: before }) => before === 'forward');
    if (zones.some((zone) => zoneName(zone) === wanted)) return true;
    isBehind ||= zones.some((zone) => zoneName(zone) !== '' && wanted.endsWith(`.${zoneName(zone)}`));
    depth += words.filter((word) => word === '{').length - words.filter((word) => word === '}').length;
  }
  return isBehind ? undefined : false;
}

/** `dns://Consul.:53` is consul. */
function zoneName(zone: string): string {
  return zone
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/:\d+$/, '')
    .replace(/\.$/, '');
}
