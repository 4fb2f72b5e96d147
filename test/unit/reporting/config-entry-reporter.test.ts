/** What becomes of a config entry is in the log, in metrics, as an Event, and in the status. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlannedObject } from '../../../src/catalog/config-entries/entry-plan.ts';
import type { EntryOutcome } from '../../../src/catalog/config-entries/entry-status.ts';
import { createConfigEntryReporter } from '../../../src/reporting/config-entry-reporter.ts';
import { createSyncMetrics } from '../../../src/telemetry/sync-metrics.ts';
import { planOf, writeOf } from '../controllers/entry-changes.ts';

function start() {
  const events: string[] = [];
  const lines: string[] = [];
  const metrics = createSyncMetrics();
  const { reporter, status } = createConfigEntryReporter({
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    metrics: metrics.ofController('config-entries'),
    count: metrics.configEntries,
    countKept: metrics.configEntriesKept,
    now: () => 0,
    event: ({ name }, type, reason, message) => events.push(`${name} ${type} ${reason} ${message}`),
    isDryRun: false,
    changed: () => undefined,
  });
  return { reporter, events, lines, metrics, status: () => status({}, []) };
}

const write = writeOf('ServiceRouter', 'shop/web');
const { kind, object } = write;
const planned: PlannedObject = {
  kind,
  object,
  entry: { key: write.key, name: 'web' },
  state: { kind: 'pending' },
};

test('an object that comes to have no effect is told once, and again only when it says something else', () => {
  const { reporter, events, lines, status } = start();
  const stands = (outcome: EntryOutcome): void => reporter.stands([{ planned, outcome }]);
  const refused = (reason: string): EntryOutcome => ({ kind: 'refused', reason });
  stands(refused('protocol "tcp"'));
  stands(refused('protocol "tcp"'));
  stands(refused('no such subset'));
  const entry = 'the service-router "web" says the same';
  stands({ kind: 'elsewhere', message: entry });
  stands({ kind: 'synced', notes: [], entryId: undefined });
  assert.deepEqual(events, [
    'web Warning RefusedByConsul protocol "tcp"',
    'web Warning RefusedByConsul no such subset',
    `web Normal ManagedElsewhere ${entry}`,
  ]);
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['warn', 'warn', 'info', 'debug'],
  );
  assert.match(lines[0] ?? '', /"object":"shop\/web".*protocol/);
  assert.deepEqual(
    status().rows.map(({ object: place, synced }) => [place, synced]),
    [['shop/web', 'True']],
  );
});

test('an entry that stays without an object is named in the log, the status and the metrics, until it goes', async () => {
  const { reporter, lines, metrics, status } = start();
  const why = 'its object was removed with an earlier CRD';
  const kept = [{ key: 'service-router/old', kind, name: 'old', place: 'shop/old', why }];
  reporter.planned({ ...planOf([]), kept });
  reporter.planned({ ...planOf([]), kept });
  assert.deepEqual(lines, [
    `warn a config entry without an object stays in Consul {"entry":"service-router/old","reason":"${why}"}`,
  ]);
  assert.deepEqual(status().kept, [`service-router old: ${why}`]);
  const { text } = metrics;
  assert.match(await text(), /^tandem_config_entries_kept\{kind="service-router"\} 1$/m);
  reporter.planned(planOf([]));
  assert.deepEqual(status().kept, []);
  assert.doesNotMatch(await text(), /^tandem_config_entries_kept\{kind="service-router"\} 1$/m);
});

test('only a repair of what somebody changed in Consul counts as drift', async () => {
  const { reporter, metrics } = start();
  reporter.applied(write, 0.1);
  reporter.applied({ ...write, action: 'update', reason: 'drift' }, undefined);
  assert.match(
    await metrics.text(),
    /^tandem_config_entry_drift_repaired_total\{kind="service-router"\} 1$/m,
  );
});
