/** What every controller reports of its reconciles, and when readers of `/status` are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createControllerReporter } from '../../../src/reporting/controller-reporter.ts';
import { controllerFacts, troubleOf } from '../../../src/reporting/controller-status.ts';
import { createSyncMetrics } from '../../../src/telemetry/sync-metrics.ts';

function start() {
  const metrics = createSyncMetrics();
  const ofSync = metrics.ofController('to-consul');
  const clock = { now: 0, told: 0 };
  const events: string[] = [];
  const reporter = createControllerReporter<string>(
    {
      failed: 'failed',
      refused: 'refused',
      describe: (source) => ({
        source,
        labels: { action: 'update' },
        fields: { source },
        attempt: `update ${source}`,
      }),
    },
    {
      log: () => undefined,
      metrics: ofSync,
      now: () => clock.now,
      warn: (...event) => events.push(event.join(' ')),
      changed: () => (clock.told += 1),
    },
  );
  return { metrics, ofSync, clock, events, reporter };
}

const at = (time: number): string => new Date(time).toISOString();

test('failures that follow one another keep the time of the first, until a success', () => {
  const { clock, reporter } = start();
  const failAt = (time: number): unknown => {
    clock.now = time;
    reporter.failed(new Error('no answer'), 1);
    return controllerFacts(reporter.state(), { counts: undefined, watches: {} }).lastFailure;
  };
  assert.deepEqual(failAt(1000), { at: at(1000), since: at(1000), error: 'no answer' });
  assert.deepEqual(failAt(2000), { at: at(2000), since: at(1000), error: 'no answer' });
  clock.now = 3000;
  reporter.succeeded();
  assert.deepEqual(failAt(4000), { at: at(4000), since: at(4000), error: 'no answer' });
  reporter.guarded({ removals: 3, limit: 1, owned: 9 });
  assert.equal(clock.told, 5, 'whoever looks is told of each');
});

test('a refusal keeps the time of the first, says the last, and is over with a change that goes through', () => {
  const { clock, events, reporter } = start();
  clock.now = 1000;
  reporter.refused('web', 'no');
  clock.now = 2000;
  reporter.refused('web', 'still no');
  assert.deepEqual(troubleOf([reporter.state()], 'web'), { refused: 'still no', since: at(1000) });
  assert.deepEqual(events, [
    'web RefusedByConsul Consul refused to update web: no',
    'web RefusedByConsul Consul refused to update web: still no',
  ]);
  reporter.applied('web');
  assert.deepEqual(troubleOf([reporter.state()], 'web'), { refused: undefined, since: undefined });
});

test('all of it is in the metrics of the controller', async () => {
  const { metrics, ofSync, clock, reporter } = start();
  reporter.applied('web', 0.2);
  reporter.refused('web', 'no');
  reporter.guarded({ removals: 3, limit: 1, owned: 9 });
  reporter.failed(new Error('no answer'), 1);
  clock.now = 7000;
  reporter.succeeded();
  ofSync.backlog({ keys: 3, seconds: 1.5 });
  const text = await metrics.text();
  for (const line of [
    'pending_keys 3',
    'oldest_pending_seconds 1.5',
    'changes_total{action="update",result="applied"} 1',
    'changes_total{action="update",result="refused"} 1',
    'event_to_commit_seconds_count 1',
    'held_removals 3',
    'failures_total{code="other"} 1',
    'last_success_timestamp_seconds 7',
  ])
    assert.ok(text.includes(`tandem_sync_${line}\n`), line);
});
