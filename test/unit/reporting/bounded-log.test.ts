import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundedLog } from '../../../src/reporting/bounded-log.ts';

test('a kind gets one line in ten seconds, and the next one counts what was left out', () => {
  const lines: unknown[] = [];
  let now = 0;
  const log = boundedLog(
    (level, message, fields) => lines.push([level, message, fields]),
    () => now,
  );
  for (now = 0; now < 10_000; now += 100) log('warn', 'refused', 'slow-body', { reason: 'slow-body' });
  log('warn', 'refused', 'body-budget', { reason: 'body-budget' });
  log('warn', 'refused', 'slow-body', { reason: 'slow-body' });
  assert.deepEqual(lines, [
    ['warn', 'refused', { reason: 'slow-body', notLogged: undefined }],
    ['warn', 'refused', { reason: 'body-budget', notLogged: undefined }],
    ['warn', 'refused', { reason: 'slow-body', notLogged: 99 }],
  ]);
});
