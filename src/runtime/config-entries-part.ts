/** Composes the config entries for `tandem sync`: their two sides, the loop between them, and their part of `/status`. */
import { ENTRY_GROUP, ENTRY_KINDS, ENTRY_VERSION } from '../catalog/config-entries/entry-kinds.ts';
import type { EntryObject } from '../catalog/config-entries/entry-object.ts';
import { entrySettings, knownDatacenters } from '../config/config-entry-flags.ts';
import { entrySource, entryWriter } from '../consul/config-entries.ts';
import { consulDatacenters } from '../consul/consul-datacenters.ts';
import { runConfigEntries } from '../controllers/config-entry-loop.ts';
import { crdName, entryCluster } from '../kubernetes/entry-cluster.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import { createConfigEntryReporter } from '../reporting/config-entry-reporter.ts';
import { entryObjects } from './entry-objects.ts';
import type { SyncPart, SyncStage } from './sync-stage.ts';

export function configEntriesPart(stage: SyncStage): SyncPart {
  const { values, owner, client, consul, log, metrics, options, events, onRestart, changed } = stage;
  const { resync, dryRun, once, isSourceOld } = options;
  const kinds = ENTRY_KINDS;
  const objects = entryObjects({
    client,
    kinds,
    onRestart: (failure) => onRestart('config-entries', failure),
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
    event: (object, type, reason, message) => events.record(targetOf(object), type, reason, message),
    isDryRun: dryRun,
    changed,
  });
  return {
    lead: async (term) => {
      const place = await consulDatacenters(consul, knownDatacenters(values), reporter.failed, term);
      if (place === undefined) return;
      const settings = entrySettings(values, owner, place.datacenter);
      const known = kinds.filter(({ enterprise }) => enterprise !== true);
      const access = { client: consul, primary: place.primary };
      // A new one each time: what an earlier term knew of Consul may be outdated.
      const ports = {
        objects,
        entries: entrySource({ ...access, kinds: known }),
        writer: entryWriter(access),
        cluster: entryCluster(client),
        reporter,
        ...systemRuntime,
      };
      const loop = { resync, dryRun, once, settings, kinds, areObjectsOld: isSourceOld };
      await runConfigEntries(ports, loop, term);
      ended();
    },
    isSynced: () => Object.values(objects.watches()).every((watch) => watch.isSynced),
    status: () => [status(objects.watches(), objects.missing().map(crdName))],
    stop: objects.stop,
  };
}

function targetOf({ kind, namespace, name, uid }: EntryObject) {
  return { apiVersion: `${ENTRY_GROUP}/${ENTRY_VERSION}`, kind, namespace, name, uid };
}
