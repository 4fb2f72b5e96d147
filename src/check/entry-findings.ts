/** What config entries need in a cluster, and what consul-k8s left there. */
import { ENTRY_GROUP } from '../catalog/config-entries/entry-kinds.ts';
import { CONSUL_K8S_FINALIZER } from '../catalog/config-entries/entry-object.ts';
import { firstOf, listed } from '../support/listed.ts';
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';
import { clusterFix } from './fix-of.ts';

export type EntryFacts = {
  /** Tandem removes the finalizers itself. */
  readonly adopt: boolean;
  readonly crds: Probe<readonly CrdFact[]>;
  /** Objects that are being deleted, and that the finalizer of consul-k8s keeps. */
  readonly leftovers: Probe<readonly Leftover[]>;
  /** Webhooks that are called before a config entry is stored; undefined where the account has nothing to do with them. */
  readonly webhooks: Probe<readonly EntryWebhook[]> | undefined;
};

export type CrdFact = {
  readonly name: string;
  /** Undefined when there is no such CRD. */
  readonly found:
    | {
        readonly isEstablished: boolean;
        /** Of Helm; undefined when none has installed it. */
        readonly release: string | undefined;
        /** It stays when its release is uninstalled. */
        readonly isKept: boolean;
      }
    | undefined;
};

/** `at` is where the finalizer is in its list. */
export type Leftover = {
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly at: number;
};

export type EntryWebhook = { readonly configuration: string; readonly entry: string };

// A finding is one line, and a namespace may have hundreds of objects.
const SHOWN = 10;
const CHECK = 'config-entries';

export function entryFindings({ adopt, crds, leftovers, webhooks }: EntryFacts): readonly Finding[] {
  return [
    ...crdFindings(crds),
    ...leftoverFindings(leftovers, adopt),
    ...(webhooks === undefined ? [] : webhookEntryFindings(webhooks)),
  ];
}

function crdFindings(crds: EntryFacts['crds']): readonly Finding[] {
  if (crds.kind === 'failed')
    return [
      warning(
        CHECK,
        `cannot tell whether the CRDs are installed: ${crds.reason}`,
        clusterFix(crds, `allow this account to get customresourcedefinitions of ${ENTRY_GROUP}`),
      ),
    ];
  const missing = crds.value.filter(({ found }) => found === undefined);
  const waiting = crds.value.filter(({ found }) => found?.isEstablished === false);
  const leaving = crds.value.filter(({ found }) => found?.release !== undefined && !found.isKept);
  const releases = new Set(crds.value.flatMap(({ found }) => found?.release ?? []));
  const by = releases.size === 0 ? '' : `, of the Helm release ${[...releases].join(' and ')}`;
  return [
    ...(missing.length === 0
      ? []
      : [
          failure(
            CHECK,
            `${missing.length} of ${crds.value.length} CRDs are not installed: ${namesOf(missing)}`,
            'install the chart with configEntries.installCRDs=true',
          ),
        ]),
    ...(waiting.length === 0
      ? []
      : [
          failure(
            CHECK,
            `CRDs are not established: ${namesOf(waiting)}`,
            `see kubectl describe crd ${waiting[0]?.name ?? ''}`,
          ),
        ]),
    ...(leaving.length === 0
      ? []
      : [
          warning(
            CHECK,
            `uninstalling ${[...releases].join(' and ')} deletes ${leaving.length} CRDs, and all their objects`,
            `kubectl annotate crd ${leaving.map(({ name }) => name).join(' ')} helm.sh/resource-policy=keep`,
          ),
        ]),
    ...(missing.length + waiting.length + leaving.length === 0
      ? [ok(CHECK, `all ${crds.value.length} CRDs are established${by}`)]
      : []),
  ];
}

function leftoverFindings(leftovers: EntryFacts['leftovers'], adopt: boolean): readonly Finding[] {
  if (leftovers.kind === 'failed')
    return [
      warning(
        CHECK,
        `cannot tell whether consul-k8s left finalizers on objects: ${leftovers.reason}`,
        clusterFix(leftovers, `allow this account to list the kinds of ${ENTRY_GROUP}`),
      ),
    ];
  const clue = ({ plural, namespace, name, at }: (typeof leftovers.value)[number]): Finding => {
    const patch = `kubectl -n ${namespace} patch ${plural}.${ENTRY_GROUP} ${name} --type=json -p '[{"op":"test","path":"/metadata/finalizers/${at}","value":"${CONSUL_K8S_FINALIZER}"},{"op":"remove","path":"/metadata/finalizers/${at}"}]'`;
    return warning(
      CHECK,
      `${plural} ${namespace}/${name} is being deleted, and ${CONSUL_K8S_FINALIZER} keeps it`,
      adopt ? 'start the sync, which removes it' : `${patch}, or set --config-entries-adopt`,
    );
  };
  return firstOf(leftovers.value, SHOWN, clue, (left) =>
    warning(CHECK, `${left} more objects are kept in the same way`, 'see above'),
  );
}

function webhookEntryFindings(webhooks: Probe<readonly EntryWebhook[]>): readonly Finding[] {
  if (webhooks.kind === 'failed')
    return [
      warning(
        CHECK,
        `cannot tell whether webhooks of consul-k8s are left: ${webhooks.reason}`,
        clusterFix(
          webhooks,
          'run tandem check with an account that may list mutatingwebhookconfigurations, such as your own',
        ),
      ),
    ];
  return [...Map.groupBy(webhooks.value, ({ configuration }) => configuration)].map(([name, entries]) =>
    warning(
      CHECK,
      `${name} has webhooks for config entries, such as ${entries[0]?.entry ?? ''}: when consul-k8s is stopped, no config entry can be changed`,
      `once consul-k8s injects no pods any more, kubectl delete mutatingwebhookconfiguration ${name}; until then, remove these entries from it`,
    ),
  );
}

function namesOf(crds: readonly CrdFact[]): string {
  return listed(
    crds.map(({ name }) => name),
    SHOWN,
  );
}
