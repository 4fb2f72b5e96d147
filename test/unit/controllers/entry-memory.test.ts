/** What a term remembers of config entries, and for how long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEntryMemory } from '../../../src/controllers/entry-memory.ts';
import { writeOf } from './entry-changes.ts';

test('a refusal makes nothing due when nobody wants the change any more', () => {
  let now = 0;
  const memory = createEntryMemory(() => now);
  memory.refused(writeOf('ServiceRouter', 'shop/web'), 'no');
  memory.refused(writeOf('ServiceRouter', 'shop/api'), 'no');
  memory.retain(new Set(), new Set(['service-router/web']));
  assert.equal(memory.retryDue(), 60_000);
  // Its object is invalid by now, or somebody else wrote the entry.
  memory.retain(new Set(['service-router/web']), new Set());
  now = 120_000;
  assert.equal(memory.retryDue(), undefined, 'it would be due at once, again and again');
});

test('what another program writes all the time is tried less and less often, whatever it does meanwhile', () => {
  let now = 0;
  const memory = createEntryMemory(() => now);
  const change = writeOf('ServiceRouter', 'shop/web');
  const pauses: number[] = [];
  for (let nth = 0; nth < 9; nth += 1) {
    memory.refused(change, 'contended', true);
    // The other program is at it, and from time to time it even agrees.
    memory.changed();
    memory.retain(new Set([change.key]), new Set(nth % 2 === 0 ? [] : [change.key]));
    memory.retain(new Set([change.key]), new Set([change.key]));
    pauses.push((memory.retryDue() ?? 0) - now);
    now = (memory.retryDue() ?? 0) - 1;
    assert.deepEqual(memory.again([change]), []);
    now += 1;
    assert.deepEqual(memory.again([change]), [change]);
  }
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  assert.equal(memory.refusalOf(change.key, { uid: 'another', generation: 1 }), undefined, 'an edit counts');
});

test('what Consul took otherwise is forgotten with its object', () => {
  const memory = createEntryMemory(() => 0);
  assert.equal(memory.accepted('service-router/web', { Name: 'web' }, 6), false);
  assert.equal(memory.accepted('service-router/web', { Name: 'web' }, 7), false, 'somebody else wrote it');
  assert.equal(memory.isAccepted('service-router/web', { Name: 'web' }, 7), false);
  assert.equal(memory.accepted('service-router/web', { Name: 'web' }, 7), true);
  assert.equal(memory.isAccepted('service-router/web', { Name: 'web' }, 7), true);
  memory.retain(new Set(), new Set());
  assert.equal(memory.isAccepted('service-router/web', { Name: 'web' }, 7), false);
});
