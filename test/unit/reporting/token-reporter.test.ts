import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenReporter, tokensStatus } from '../../../src/reporting/token-reporter.ts';
import { tokensTrouble } from '../../../src/status-page/troubles.ts';

test('a trouble stays until it is over, since when it began, and each change is told', () => {
  let now = 0;
  let changes = 0;
  const logged: string[] = [];
  const reporter = createTokenReporter({
    log: (level) => logged.push(level),
    now: () => now,
    changed: () => (changes += 1),
  });
  const trouble = (): unknown => tokensTrouble(tokensStatus(reporter.state()));
  assert.equal(trouble(), undefined);
  reporter.refused('403');
  now = 60_000;
  reporter.refused('403 again');
  const since = '1970-01-01T00:00:00.000Z';
  assert.deepEqual(trouble(), { kind: 'refused', reason: '403 again', since });
  reporter.failed(new Error('away'), 1000);
  assert.deepEqual(trouble(), { kind: 'failed', reason: 'away', since: '1970-01-01T00:01:00.000Z' });
  reporter.succeeded();
  reporter.succeeded();
  assert.deepEqual([trouble(), changes], [undefined, 5]);
  assert.deepEqual(logged, ['warn', 'warn', 'warn']);
});
