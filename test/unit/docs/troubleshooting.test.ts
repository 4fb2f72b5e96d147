/** Whoever sees the reason of a problem finds it in docs/troubleshooting.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { problemReasons } from '../../../src/model/problem.ts';
import { omitReasons } from '../../../src/catalog/to-consul/place.ts';

const text = readFileSync(join(import.meta.dirname, '../../../docs/troubleshooting.md'), 'utf8');

test('every reason of a problem of a Service is there, as logs and metrics write it', () => {
  for (const reason of Object.keys(problemReasons)) assert.ok(text.includes(`\`${reason}\``), reason);
});

test('why a Service without endpoints waits is there, in the words of the page', () => {
  assert.ok(text.includes(omitReasons['no-endpoints']));
});
