import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admissionRecord } from '../../../src/reporting/webhook-status.ts';

test('the newest hundred admissions come first, each with what was warned of', () => {
  let now = Date.UTC(2024, 0, 1);
  const record = admissionRecord(() => (now += 1000));
  const warning = { reason: 'config-entry', at: 'spec."a\n"', message: 'has no effect' } as const;
  for (let count = 1; count <= 101; count += 1)
    record.add({
      result: 'allowed',
      reason: 'entry-valid',
      seconds: 0.001,
      name: `ServiceDefaults/s${count}`,
      warnings: count === 101 ? Array.from({ length: 11 }, () => warning) : [],
    });
  const { recent, counts } = record.state();
  assert.deepEqual(counts, { allowed: 101 });
  assert.equal(recent.length, 100);
  assert.deepEqual(
    [recent[0]?.name, recent[0]?.warnings],
    ['ServiceDefaults/s101', Array.from({ length: 10 }, () => 'spec."a\n": has no effect')],
  );
  assert.deepEqual(
    [recent.at(-1)?.name, recent.at(-1)?.at, recent.at(-1)?.warnings],
    ['ServiceDefaults/s2', '2024-01-01T00:00:03.000Z', []],
  );
});
