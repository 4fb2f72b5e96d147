/** Reports what the loop of config entries does: log, metrics, Events, and its part of the status. */
import { objectPlace } from '../catalog/config-entries/entry-holder.ts';
import type { EntryObject } from '../catalog/config-entries/entry-object.ts';
import type { EntryChange, EntryPlan, PlannedObject } from '../catalog/config-entries/entry-plan.ts';
import { conditionAfter, type Condition } from '../catalog/config-entries/entry-status.ts';
import type { ConfigEntryReporter } from '../controllers/config-entry-ports.ts';
import type { ConfigEntriesStatus, WatchesStatus } from '../status-page/status.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import type { LogFields } from '../telemetry/logger.ts';
import { createControllerReporter, type ControllerReporterOptions } from './controller-reporter.ts';
import { controllerFacts, isoTime } from './controller-status.ts';
import { countReasons } from './count-reasons.ts';

type Options = Omit<ControllerReporterOptions, 'warn' | 'metrics'> & {
  readonly metrics: ControllerMetrics;
  /** Kind of entry → reason → how many. */
  readonly count: (counts: Readonly<Record<string, Readonly<Record<string, number>>>>) => void;
  /** Kind of entry → how many stay without an object. */
  readonly countKept: (counts: Readonly<Record<string, number>>) => void;
  readonly event: (object: EntryObject, type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly isDryRun: boolean;
};

/** The state of an object, and since when it has been so. */
type Standing = { readonly planned: PlannedObject; readonly condition: Condition; readonly since: number };

export function createConfigEntryReporter(options: Options) {
  const { log, metrics, now, isDryRun, changed } = options;
  const standing = new Map<string, Standing>();
  let last: EntryPlan | undefined;
  const { news, toldSources, ...common } = createControllerReporter<EntryChange>(
    {
      failed: 'a reconcile of the config entries failed and is retried',
      guarded: 'the deletion guard holds back many removals of config entries',
      refused: 'Consul refused a config entry',
      describe: (change) => ({
        source: change.key,
        labels: { kind: change.kind.entryKind, action: change.action },
        fields: fieldsOf(change),
      }),
    },
    { ...options, warn: () => undefined },
  );

  const tellKept = ({ kept }: EntryPlan): void => {
    options.countKept(keptByKind(kept));
    const reasons = new Map(kept.map(({ key, why }) => [key, [why]]));
    for (const key of new Set([...toldSources(), ...reasons.keys()]))
      for (const reason of news(key, reasons.get(key) ?? [], (text) => text))
        log('warn', 'a config entry without an object stays in Consul', { entry: key, reason });
  };

  const reporter: ConfigEntryReporter = {
    ...common,
    planned: (plan) => {
      last = plan;
      const uids = new Set(plan.objects.map(({ object }) => object.uid));
      for (const uid of standing.keys()) if (!uids.has(uid)) standing.delete(uid);
      tellKept(plan);
      if (isDryRun) tellDryRun(plan, log);
      changed();
    },
    applied: (change, seconds) => {
      common.applied(change, seconds);
      log('info', 'a config entry is written', fieldsOf(change));
      if (change.action !== 'delete' && change.reason === 'drift')
        metrics.driftRepaired(change.kind.entryKind);
    },
    stands: (standings) => {
      for (const { planned, outcome } of standings) {
        const { uid } = planned.object;
        const before = standing.get(uid);
        const condition = conditionAfter(outcome);
        const isSame =
          before?.condition.reason === condition.reason && before.condition.message === condition.message;
        standing.set(uid, { planned, condition, since: isSame ? before.since : now() });
        if (!isSame) tellStanding(planned, condition, options);
      }
      options.count(countsOf([...standing.values()]));
      changed();
    },
    acceptedOtherwise: ({ kind, name }, paths) =>
      log('warn', 'Consul accepted a config entry but returns it differently; it is not written again', {
        kind: kind.entryKind,
        entry: name,
        paths: paths.join(' '),
      }),
  };
  return {
    reporter,
    /** @param missing names of CRDs that are not installed */
    status: (watches: WatchesStatus, missing: readonly string[]): ConfigEntriesStatus => ({
      controller: 'config-entries',
      ...controllerFacts(common.state(), { counts: last && { owned: last.owned }, watches }),
      missing,
      kept: (last?.kept ?? []).map(({ kind, name, why }) => `${kind.entryKind} ${name}: ${why}`),
      rows: [...standing.values()].map(rowOf),
    }),
    /** Another replica leads: what this one knows is outdated. */
    ended: (): void => {
      last = undefined;
      standing.clear();
      options.countKept({});
    },
  };
}

function tellDryRun({ writes, removals }: EntryPlan, log: Options['log']): void {
  for (const change of [...writes, ...removals]) log('info', 'would write to Consul', fieldsOf(change));
}

function keptByKind(kept: EntryPlan['kept']): Readonly<Record<string, number>> {
  const byKind = Map.groupBy(kept, ({ kind }) => kind.entryKind);
  return Object.fromEntries([...byKind].map(([kind, all]) => [kind, all.length]));
}

function fieldsOf(change: EntryChange): LogFields {
  const { action, kind, name, reason } = change;
  const object = change.action === 'delete' ? change.place : objectPlace(change.object);
  const paths = change.action === 'update' ? change.differences.map(({ path }) => path).join(' ') : undefined;
  return { action, kind: kind.entryKind, entry: name, object, reason, paths };
}

function tellStanding({ kind, object }: PlannedObject, condition: Condition, { log, event }: Options): void {
  const { status, reason, message } = condition;
  const fields = { kind: kind.kind, object: objectPlace(object), reason, message };
  if (status === 'False') {
    log('warn', 'an object has no effect in Consul', fields);
    event(object, 'Warning', reason === 'ConsulAgentError' ? 'RefusedByConsul' : reason, message);
  } else if (reason === 'ManagedElsewhere') {
    log('info', 'an entry of somebody else equals the object', fields);
    event(object, 'Normal', reason, message);
  } else log('debug', 'the state of an object in Consul has changed', fields);
}

function countsOf(standing: readonly Standing[]): Readonly<Record<string, Readonly<Record<string, number>>>> {
  const byKind = Map.groupBy(standing, ({ planned }) => planned.kind.entryKind);
  return Object.fromEntries(
    [...byKind].map(([kind, all]) => [kind, countReasons(all.map(({ condition }) => condition))]),
  );
}

function rowOf({ planned, condition, since }: Standing): ConfigEntriesStatus['rows'][number] {
  const { kind, object, entry } = planned;
  const { status, reason, message } = condition;
  const isWrong = status === 'False';
  return {
    source: `${kind.kind}/${objectPlace(object)}`,
    kind: kind.kind,
    object: objectPlace(object),
    entry: entry?.name,
    synced: status,
    reason,
    message,
    problems: isWrong && reason !== 'ConsulAgentError' ? [message] : [],
    refused: reason === 'ConsulAgentError' ? message : undefined,
    since: isWrong ? isoTime(since) : undefined,
  };
}
