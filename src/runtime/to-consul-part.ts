/** Composes Kubernetes → Consul for `tandem sync`: its two sides, the loop between them, and its part of `/status`. */
import { syncCatalog } from '../consul/sync-catalog.ts';
import { createSync, type Sync } from '../controllers/sync-loop.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import { createToConsulReporter } from '../reporting/to-consul-reporter.ts';
import { measureToConsul, toConsulStatus } from '../reporting/to-consul-status.ts';
import { clusterSource } from './cluster-source.ts';
import type { SyncPart, SyncStage } from './sync-stage.ts';

/** Its metrics are served also while it is off. */
export function toConsulPart(stage: SyncStage): SyncPart {
  const { values, client, consul, log, metrics: all, options, events, onRestart, changed } = stage;
  const source = values.toConsul
    ? clusterSource({ client, withIngresses: values.enableIngress, onRestart })
    : undefined;
  const metrics = all.ofController('to-consul');
  const reporter = createToConsulReporter({
    log,
    metrics,
    now: Date.now,
    service: (name) => source?.snapshot.service(name),
    warn: ({ namespace, name, uid }, reason, message) =>
      events.record({ apiVersion: 'v1', kind: 'Service', namespace, name, uid }, 'Warning', reason, message),
    isDryRun: values.dryRun,
    changed,
  });
  const catalog = syncCatalog(consul);
  let sync: Sync | undefined;
  return {
    lead: async (term) => {
      if (source === undefined) return;
      sync = createSync({ source, catalog, reporter, ...systemRuntime }, options);
      await sync.run(term);
      sync = undefined;
    },
    isSynced: () => Object.values(source?.watches() ?? {}).every((watch) => watch.isSynced),
    measure: () => measureToConsul(sync, metrics),
    status: () => (source === undefined ? [] : [toConsulStatus(sync, reporter.state(), source.watches())]),
    stop: async () => source?.stop(),
  };
}
