/** The statuses of config entries, of which one that cannot be written holds up no other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { readEntryObject } from '../../../src/catalog/config-entries/entry-object.ts';
import type { PlannedObject } from '../../../src/catalog/config-entries/entry-plan.ts';
import { createEntryMemory } from '../../../src/controllers/entry-memory.ts';
import { createEntryStatuses } from '../../../src/controllers/entry-statuses.ts';
import { TandemError } from '../../../src/support/errors.ts';

function planned(name: string, generation = 1, status: object = {}): PlannedObject {
  const kind = entryKindOf('ServiceDefaults');
  const metadata = { name, uid: name, generation };
  const object = readEntryObject({ kind: 'ServiceDefaults', metadata, status });
  assert.ok(kind !== undefined && object !== undefined);
  const key = `service-defaults/${name}`;
  return { kind, object, entry: { key, name }, state: { kind: 'synced', notes: [], entryId: undefined } };
}

/** An API server that refuses the statuses of some objects. */
function refusing(isRefused: (name: string) => boolean) {
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
          if (isRefused(name))
            return Promise.reject(new TandemError('TANDEM_KUBERNETES_REFUSED', 'too large'));
          return Promise.resolve(status);
        },
      },
      reporter: { stands: () => undefined, failed: (error) => void failures.push(error) },
    },
    createEntryMemory(clock.elapsed),
  );
  return {
    sent,
    failures,
    retryDue: statuses.retryDue,
    at: (milliseconds: number) => void (now = milliseconds),
    write: (objects: readonly PlannedObject[]): Promise<void> =>
      statuses.write(
        { objects, writes: [], removals: [], kept: [], owned: 0 },
        { outcomes: new Map(), error: undefined },
        new AbortController().signal,
      ),
  };
}

test('a status that the API server refuses holds up no other, and is tried again after a minute', async () => {
  const { sent, failures, retryDue, at, write } = refusing((name) => name === 'large');
  const objects = ['large', ...Array.from({ length: 20 }, (_each, nth) => `web-${nth}`)].map((name) =>
    planned(name),
  );
  await write(objects);
  assert.equal(sent.length, objects.length);
  assert.equal(failures.length, 1);
  at(59_000);
  await write(objects);
  assert.equal(sent.length, objects.length, 'nothing is sent again');
  assert.equal(retryDue(), 60_000);
  at(60_000);
  await write(objects);
  assert.deepEqual(sent.slice(objects.length), ['large']);
  await write(objects.slice(1));
  assert.equal(retryDue(), undefined, 'the object is gone');
});

test('a refused status rests for a minute, whatever another program makes of it meanwhile, but an edit counts', async () => {
  const { sent, retryDue, at, write } = refusing(() => true);
  const differing = (protocol: string): PlannedObject => {
    const message = `Protocol is ${protocol} in Consul`;
    return { ...planned('web'), state: { kind: 'failed', reason: 'MigrationFailedError', message } };
  };
  await write([differing('grpc')]);
  for (let second = 1; second < 60; second += 1) {
    at(second * 1000);
    await write([differing(second % 2 === 0 ? 'grpc' : 'tcp')]);
    // From time to time the object says what is true.
    const said = {
      lastSyncedTime: '1970-01-01T00:00:00Z',
      observedGeneration: 1,
      conditions: [
        {
          type: 'Synced',
          status: 'True',
          reason: 'Synced',
          message: '',
          observedGeneration: 1,
          lastTransitionTime: '1970-01-01T00:00:00Z',
        },
      ],
    };
    await write([planned('web', 1, said)]);
    assert.equal(retryDue(), undefined, 'nothing is left to say');
  }
  assert.deepEqual(sent, ['web']);
  await write([differing('grpc')]);
  assert.equal(retryDue(), 60_000);
  await write([planned('web', 2)]);
  assert.deepEqual(sent, ['web', 'web']);
});

test('an entry that another has taken over is not remembered as ours', async () => {
  const memory = createEntryMemory(() => 0);
  const statuses = createEntryStatuses(
    {
      clock: { now: () => 0, elapsed: () => 0 },
      cluster: { patchStatus: (_kind, _object, status) => Promise.resolve(status) },
      reporter: { stands: () => undefined, failed: () => undefined },
    },
    memory,
  );
  const write = (objects: readonly PlannedObject[]): Promise<void> =>
    statuses.write(
      { objects, writes: [], removals: [], kept: [], owned: 0 },
      { outcomes: new Map(), error: undefined },
      new AbortController().signal,
    );
  const web = planned('web');
  const held = (): string | undefined => memory.held('service-defaults/web')?.id;
  await write([{ ...web, state: { kind: 'synced', notes: [], entryId: 'a.consul/7' } }]);
  assert.equal(held(), 'a.consul/7');
  const other = { ...web.object, uid: 'other', namespace: 'other' };
  await write([{ ...web, object: other, state: { kind: 'failed', reason: 'NameTaken', message: '' } }]);
  await write([{ ...web, state: { kind: 'failed', reason: 'InvalidSpec', message: '' } }]);
  assert.equal(held(), 'a.consul/7');
  await write([{ ...web, state: { kind: 'elsewhere', message: '' } }]);
  assert.equal(held(), undefined);
});
