/** Composes the config entries for `tandem sync`: their two sides, the loop between them, and their part of `/status`. */
import type { EntryPolicy, EntrySettings } from '../catalog/config-entries/decide-entry.ts';
import { ENTRY_GROUP, ENTRY_KINDS, ENTRY_VERSION } from '../catalog/config-entries/entry-kinds.ts';
import type { EntryObject } from '../catalog/config-entries/entry-object.ts';
import type { ConsulClient } from '../consul/client.ts';
import { entrySource, entryWriter } from '../consul/config-entries.ts';
import { consulDatacenters } from '../consul/consul-datacenters.ts';
import { runConfigEntries } from '../controllers/config-entry-loop.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { crdName, entryCluster } from '../kubernetes/entry-cluster.ts';
import { systemClock } from '../kubernetes/system-clock.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import type { ControllerOptions } from '../reconcile/controller.ts';
import { createConfigEntryReporter } from '../reporting/config-entry-reporter.ts';
import type { ConfigEntriesStatus } from '../status-page/status.ts';
import type { Log } from '../telemetry/logger.ts';
import type { SyncMetrics } from '../telemetry/sync-metrics.ts';
import { entryObjects } from './entry-objects.ts';

type ConfigEntriesComposition = ControllerOptions & {
  readonly owner: string;
  readonly adopt: boolean;
  readonly policy: EntryPolicy;
  readonly allowNamespaces: readonly string[];
  /** Of the flags; undefined: Consul is asked. */
  readonly datacenter: string | undefined;
  readonly primaryDatacenter: string | undefined;
  readonly client: ApiClient;
  readonly consul: ConsulClient;
  readonly log: Log;
  readonly metrics: SyncMetrics;
  readonly events: Pick<EventRecorder<string>, 'record'>;
  readonly onRestart: (failure: WatchFailure) => void;
  /** The status is another one. */
  readonly changed: () => void;
};

export type ConfigEntriesPart = {
  /** Runs while this replica leads. */
  readonly lead: (term: AbortSignal) => Promise<void>;
  /** Each kind that the cluster has is listed. */
  readonly isSynced: () => boolean;
  readonly status: () => ConfigEntriesStatus;
  readonly stop: () => Promise<void>;
};

/** Watches the objects at once, and reads Consul and writes only while it leads. */
export function configEntriesPart(composition: ConfigEntriesComposition): ConfigEntriesPart {
  const { client, consul, log, metrics, events, dryRun, changed, onRestart } = composition;
  const kinds = ENTRY_KINDS;
  const objects = entryObjects({
    client,
    kinds,
    onRestart,
    onKind: (kind, isMissing) => {
      const fields = { kind: kind.kind, crd: crdName(kind) };
      if (isMissing) log('warn', 'a CRD is not installed; its objects are awaited', fields);
      else log('info', 'a CRD is installed', fields);
      changed();
    },
  });
  const { reporter, status, ended } = createConfigEntryReporter({
    log,
    metrics: metrics.ofController('config-entries'),
    count: metrics.configEntries,
    countKept: metrics.configEntriesKept,
    now: Date.now,
    event: (object, type, reason, message) =>
      dryRun ? undefined : events.record(targetOf(object), type, reason, message),
    isDryRun: dryRun,
    changed,
  });
  return {
    lead: async (term) => {
      const place = await consulDatacenters(consul, composition, reporter.failed, term);
      if (place === undefined) return;
      const settings: EntrySettings = {
        owner: composition.owner,
        datacenter: place.datacenter,
        adopt: composition.adopt,
        policy: composition.policy,
        allowNamespaces: composition.allowNamespaces,
      };
      const known = kinds.filter(({ enterprise }) => enterprise !== true);
      const access = { client: consul, primary: place.primary };
      // Others each time: what an earlier term knew of Consul may be long over.
      const ports = {
        objects,
        entries: entrySource({ ...access, kinds: known }),
        writer: entryWriter(access),
        cluster: entryCluster(client),
        reporter,
        clock: systemClock,
        random: Math.random,
      };
      await runConfigEntries(ports, { ...composition, settings, kinds }, term);
      ended();
    },
    isSynced: () => Object.values(objects.watches()).every((watch) => watch.isSynced),
    status: () => status(objects.watches(), objects.missing().map(crdName)),
    stop: objects.stop,
  };
}

function targetOf({ kind, namespace, name, uid }: EntryObject) {
  return { apiVersion: `${ENTRY_GROUP}/${ENTRY_VERSION}`, kind, namespace, name, uid };
}
