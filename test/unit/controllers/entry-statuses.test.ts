/** The statuses of config entries, of which one that cannot be written holds up no other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { readEntryObject } from '../../../src/catalog/config-entries/entry-object.ts';
import type { EntryPlan, PlannedObject } from '../../../src/catalog/config-entries/entry-plan.ts';
import { createEntryMemory } from '../../../src/controllers/entry-memory.ts';
import { createEntryStatuses } from '../../../src/controllers/entry-statuses.ts';
import { TandemError } from '../../../src/support/errors.ts';

function planned(name: string): PlannedObject {
  const kind = entryKindOf('ServiceDefaults');
  const object = readEntryObject({ kind: 'ServiceDefaults', metadata: { name, uid: name, generation: 1 } });
  assert.ok(kind !== undefined && object !== undefined);
  const key = `service-defaults/${name}`;
  return { kind, object, entry: { key, name }, state: { kind: 'synced', notes: [], entryId: undefined } };
}

test('a status that the API server refuses holds up no other, and is tried again after a minute', async () => {
  let now = 0;
  const sent: string[] = [];
  const failures: unknown[] = [];
  const clock = { now: () => now, elapsed: () => now };
  const statuses = createEntryStatuses(
    {
      clock,
      cluster: {
        patchStatus: (_kind, { name }, status) => {
          sent.push(name);
          // An object that its author made as large as etcd takes has no room for a status.
          if (name === 'large')
            return Promise.reject(new TandemError('TANDEM_KUBERNETES_REFUSED', 'too large'));
          return Promise.resolve(status);
        },
      },
      reporter: { stands: () => undefined, failed: (error) => void failures.push(error) },
    },
    createEntryMemory(clock.elapsed),
  );
  const objects = ['large', ...Array.from({ length: 20 }, (_each, at) => `web-${at}`)].map(planned);
  const plan: EntryPlan = { objects, writes: [], removals: [], kept: [], owned: 0 };
  const write = (some: EntryPlan): Promise<void> =>
    statuses.write(some, { outcomes: new Map(), error: undefined }, new AbortController().signal);

  await write(plan);
  assert.equal(sent.length, objects.length);
  assert.equal(failures.length, 1);
  now = 59_000;
  await write(plan);
  assert.equal(sent.length, objects.length, 'nothing is sent again');
  assert.equal(statuses.retryDue(), 60_000);
  now = 60_000;
  await write(plan);
  assert.deepEqual(sent.slice(objects.length), ['large']);
  await write({ ...plan, objects: objects.slice(1) });
  assert.equal(statuses.retryDue(), undefined, 'the object is gone');
});
