/** What the sync would do to config entries, and to one of them, given what the cluster or files and Consul hold now. */
import { NO_RECALL, type EntrySettings } from '../catalog/config-entries/decide-entry.ts';
import { ENTRY_KINDS } from '../catalog/config-entries/entry-kinds.ts';
import { readEntryObject, type EntryObject } from '../catalog/config-entries/entry-object.ts';
import { explainEntry, type EntryExplanation } from '../catalog/config-entries/explain-entry.ts';
import { planEntries, type EntryPlan, type KindView } from '../catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import { entrySettings, knownDatacenters, type configEntryFlags } from '../config/config-entry-flags.ts';
import type { consulFlags } from '../config/consul-settings.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import type { ConsulCalls } from '../consul/client.ts';
import { entrySource } from '../consul/config-entries.ts';
import { consulDatacentersOnce } from '../consul/consul-datacenters.ts';
import { entryCluster } from '../kubernetes/entry-cluster.ts';
import type { JsonObject } from '../support/json.ts';
import { readOwner } from './cluster-objects.ts';
import { withConsul } from './consul-access.ts';
import type { Context } from './context.ts';
import { entryObjects } from './entry-objects.ts';
import { entryKindOfManifest } from './read-entries.ts';
import { tell } from './tell.ts';
import { withCluster } from './with-cluster.ts';

type Values = Omit<FlagValues<typeof configEntryFlags>, 'configEntries'> &
  FlagValues<typeof consulFlags> & { readonly kubeconfig: string | undefined };

type PlannedEntries = {
  readonly plan: EntryPlan;
  readonly views: readonly KindView[];
  readonly settings: EntrySettings;
};

/** Of one kind on the side of Kubernetes. */
type KindObjects = {
  readonly found: readonly EntryObject[];
  readonly keep: string | undefined;
  /** Undefined where it is not known. */
  readonly crdCreated: string | undefined;
};

/**
 * @param objects of files; undefined: those of the cluster
 * @param owner as the sync of this cluster has it
 * @throws TandemError when one side cannot be read
 */
export async function plannedEntries(
  values: Values,
  objects: readonly JsonObject[] | undefined,
  owner: string,
  consul: ConsulCalls,
  context: Context,
): Promise<PlannedEntries> {
  const [objectsOf, { datacenter, entriesOf }] = await Promise.all([
    objects === undefined ? objectsOfCluster(values, context) : objectsOfFiles(objects),
    readConsul(values, consul, context),
  ]);
  const settings = entrySettings(values, owner, datacenter);
  const views = ENTRY_KINDS.map((kind): KindView => {
    const { entries, trouble } = entriesOf(kind);
    const { found, keep, crdCreated } = objectsOf(kind);
    return { kind, objects: found, entries, trouble, keep: keep ?? trouble, crdCreated };
  });
  return { plan: planEntries(views, settings, NO_RECALL), views, settings };
}

/**
 * `tandem explain config-entry KIND/NAMESPACE/NAME`: what the object says, and what Consul has.
 *
 * @returns undefined when there is no such object. @throws TandemError when one side cannot be read
 */
export async function explainEntryOf(
  kind: string,
  place: string,
  files: readonly string[],
  values: Values & { readonly owner: string | undefined },
  context: Context,
): Promise<EntryExplanation | undefined> {
  const { owner, objects } = await readOwner({ ...values, files }, context);
  return withConsul(values, context, async (consul) =>
    explainEntry(kind, place, await plannedEntries(values, objects, owner, consul, context)),
  );
}

function objectsOfFiles(objects: readonly JsonObject[]): (kind: EntryKind) => KindObjects {
  const byKind = Map.groupBy(objects, entryKindOfManifest);
  return (kind) => ({
    found: (byKind.get(kind) ?? []).flatMap((raw) => readEntryObject(raw) ?? []),
    keep: undefined,
    crdCreated: undefined,
  });
}

function objectsOfCluster(
  { kubeconfig }: Values,
  { environment, stderr, signal }: Context,
): Promise<(kind: EntryKind) => KindObjects> {
  return withCluster({ kubeconfig, environment }, async (client) => {
    const objects = entryObjects({
      client,
      kinds: ENTRY_KINDS,
      onRestart: ({ cause, error }) => {
        if (cause === 'refused') tell(stderr, `tandem: cannot read config entries: ${error?.message ?? ''}`);
      },
      onKind: () => undefined,
    });
    try {
      await objects.synced(signal);
      const cluster = entryCluster(client);
      const known = new Map<EntryKind, KindObjects>();
      const look = async (kind: EntryKind): Promise<void> => {
        // Whoever runs this need not be allowed to read it.
        const crd = await cluster.crd(kind, signal).catch(() => undefined);
        const crdCreated = crd?.isThere === true ? crd.created : undefined;
        known.set(kind, { found: objects.objects(kind), keep: objects.trouble(kind), crdCreated });
      };
      await Promise.all(ENTRY_KINDS.map(look));
      return (kind) => known.get(kind) ?? { found: [], keep: undefined, crdCreated: undefined };
    } finally {
      await objects.stop();
    }
  });
}

async function readConsul(
  values: Values,
  client: ConsulCalls,
  { signal }: Context,
): Promise<{ readonly datacenter: string; readonly entriesOf: ReturnType<typeof entrySource>['entries'] }> {
  const { datacenter, primary } = await consulDatacentersOnce(client, knownDatacenters(values), signal);
  const kinds = ENTRY_KINDS.filter(({ enterprise }) => enterprise !== true);
  const source = entrySource({ client, kinds, primary });
  await source.refresh(kinds, signal);
  return { datacenter, entriesOf: source.entries };
}
