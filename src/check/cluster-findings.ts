/** What the facts of a cluster mean for Tandem. */
import { suffixAdvice } from '../catalog/to-consul/name-index.ts';
import type { Clash } from '../catalog/to-consul/name-index.ts';
import { entryFindings, type EntryFacts } from './entry-findings.ts';
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';
import { clusterFix } from './fix-of.ts';
import type { SidecarLimit } from './mesh-findings.ts';
import { redirectionFindings, type RedirectionFacts } from './redirection-findings.ts';
import { rightsFindings, type RightFact } from './rights.ts';
import { entryWebhookFindings, webhookFindings, type WebhookFacts } from './webhook-findings.ts';

export type ClusterFacts = {
  readonly server: string;
  readonly version: Probe<{ readonly major: number; readonly minor: number }>;
  readonly rights: readonly RightFact[];
  /** This and the next four: undefined where the account is for a part that does not need it. */
  readonly webhook: WebhookFacts | undefined;
  /** The webhook configuration that checks config entries. */
  readonly entryWebhook: WebhookFacts | undefined;
  readonly owner: Probe<string> | undefined;
  readonly names: Probe<NameFacts> | undefined;
  readonly entries: EntryFacts | undefined;
  readonly redirection: (RedirectionFacts & { readonly limits: Probe<readonly SidecarLimit[]> }) | undefined;
};

export type NameFacts = {
  /** How many Services are synced. */
  readonly services: number;
  /** In Consul, each once. */
  readonly names: readonly string[];
  readonly clashes: readonly Clash[];
};

/** The webhook configuration has match conditions, which are on by default since 1.28 (KEP-3716). */
const OLDEST_MINOR = 28;
/** SidecarContainers is on by default since 1.29 (KEP-753). */
const NATIVE_SIDECARS_MINOR = 29;

/** @param now milliseconds since the epoch */
export function clusterFindings(facts: Probe<ClusterFacts>, now: number): readonly Finding[] {
  if (facts.kind === 'failed') return [unreachable(facts.reason)];
  const { server, version, rights, webhook, entryWebhook, owner, names, entries, redirection } = facts.value;
  // If nothing answers, all other findings would say the same.
  if (version.kind === 'failed' && isSilent(version)) return [unreachable(`${server}: ${version.reason}`)];
  return [
    versionFinding(server, version),
    ...rightsFindings(rights),
    ...(webhook === undefined ? [] : webhookFindings(webhook, now)),
    ...(entryWebhook === undefined ? [] : entryWebhookFindings(entryWebhook, now)),
    ...(owner === undefined ? [] : [ownerFinding(owner)]),
    ...(names === undefined ? [] : nameFindings(names)),
    ...(entries === undefined ? [] : entryFindings(entries)),
    ...(redirection === undefined ? [] : redirectionFindings(redirection)),
  ];
}

/** Nobody answered, nobody could be asked, or what answers is no API server. */
function isSilent({ code }: { readonly code: string }): boolean {
  return ['timeout', 'TANDEM_KUBERNETES_UNREACHABLE', 'TANDEM_KUBERNETES_GARBLED'].includes(code);
}

function unreachable(reason: string): Finding {
  const fix =
    'set --kubeconfig or KUBECONFIG to a cluster that answers, with its CA and credentials that it accepts';
  return failure('api-server', reason, fix);
}

function versionFinding(server: string, version: ClusterFacts['version']): Finding {
  if (version.kind === 'failed')
    return failure(
      'api-server',
      `${server}: ${version.reason}`,
      'use credentials that the API server accepts',
    );
  const { major, minor } = version.value;
  const seen = `${server} answers, Kubernetes ${major}.${minor}`;
  const isOlderThan = (least: number): boolean => major < 1 || (major === 1 && minor < least);
  if (isOlderThan(OLDEST_MINOR)) return failure('api-server', seen, `upgrade to 1.${OLDEST_MINOR} or newer`);
  return isOlderThan(NATIVE_SIDECARS_MINOR)
    ? warning(
        'api-server',
        `${seen}, without native sidecars: Jobs do not complete by themselves`,
        `upgrade to 1.${NATIVE_SIDECARS_MINOR} or newer`,
      )
    : ok('api-server', `${seen}, with native sidecars`);
}

function ownerFinding(owner: Probe<string>): Finding {
  return owner.kind === 'seen'
    ? ok('owner', `this cluster is ${owner.value} in Consul`)
    : failure(
        'owner',
        owner.reason,
        clusterFix(owner, 'allow this account to get the namespace kube-system, or set --owner'),
      );
}

function nameFindings(names: Probe<NameFacts>): readonly Finding[] {
  if (names.kind === 'failed')
    return [
      failure(
        'names',
        `the Services cannot be listed: ${names.reason}`,
        clusterFix(names, 'grant the missing rights'),
      ),
    ];
  const { services, clashes } = names.value;
  if (clashes.length === 0)
    return [ok('names', `the names of ${services} synced Services are all different`)];
  return clashes.map((clash) =>
    failure(
      'names',
      `${JSON.stringify(clash.name)} is the name of ${clash.sources.join(' and ')}, and Consul answers with the instances of all`,
      `give them different names with the annotation consul.hashicorp.com/service-name${suffixAdvice(clash)}`,
    ),
  );
}
