/** The loop of config entries between two sides that the test holds, by a clock that it moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownMeta, type ObservedEntry } from '../../../src/catalog/config-entries/entry-holder.ts';
import { ENTRY_KINDS } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { readEntryObject, type EntryObject } from '../../../src/catalog/config-entries/entry-object.ts';
import type { EntryChange } from '../../../src/catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../../../src/catalog/config-entries/entry-table.ts';
import { runConfigEntries } from '../../../src/controllers/config-entry-loop.ts';
import type {
  ConfigEntryReporter,
  EntryCluster,
  EntryWriteOutcome,
} from '../../../src/controllers/config-entry-ports.ts';
import { ENTRY_SETTINGS } from './entry-changes.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const kind = ENTRY_KINDS.find(({ entryKind }) => entryKind === 'service-defaults') ?? assert.fail();

function objectOf(place: string, generation = 1): EntryObject {
  const [namespace = '', name = ''] = place.split('/');
  const creationTimestamp = '2026-01-01T00:00:00Z';
  const metadata = { namespace, name, uid: place, generation, creationTimestamp };
  return readEntryObject({ kind: kind.kind, metadata, spec: { protocol: 'http' } }) ?? assert.fail();
}

type World = {
  readonly clock: VirtualClock;
  readonly objects: Map<string, EntryObject>;
  readonly entries: Map<string, ObservedEntry>;
  /** Names of entries that Consul refuses. */
  readonly refused: Set<string>;
  /** Names of entries that another program writes at the same time, whenever we do. */
  readonly contended: Set<string>;
  /** Names of entries that another program changes whenever we have written them. */
  readonly undone: Set<string>;
  /** Names of entries to which Consul adds a field of its own. */
  readonly completed: Set<string>;
  /** What Consul was asked to do, with the time. */
  readonly sent: { readonly name: string; readonly at: number }[];
  /** Kinds that are read anew. */
  readonly refreshed: Set<string>;
  readonly unreadable: Set<string>;
  readonly changed: (place: string) => void;
  readonly stop: () => Promise<void>;
};

const nothing = (): undefined => undefined;

const REPORTER: ConfigEntryReporter = {
  applied: nothing,
  refused: nothing,
  failed: (error) => assert.fail(String(error)),
  succeeded: nothing,
  guarded: nothing,
  released: nothing,
  planned: nothing,
  stands: nothing,
  acceptedOtherwise: nothing,
};

function clusterOf(objects: Map<string, EntryObject>): EntryCluster {
  return {
    crd: () => Promise.resolve({ isThere: true, created: '' }),
    patchStatus: (_kind, object, status) => {
      objects.set(`${object.namespace}/${object.name}`, { ...object, status });
      return Promise.resolve(status);
    },
    dropFinalizer: () => Promise.resolve(),
  };
}

// A write of Consul on two cores.
const WRITE_MILLISECONDS = 4;

/** @param leader with it the objects are those of an earlier term */
function running(
  places: readonly string[],
  existing: readonly string[] = [],
  leader?: { readonly relist: () => ReadonlyMap<string, Promise<void>>; readonly failed: string[] },
): World {
  const clock = createVirtualClock();
  const stop = new AbortController();
  let index = 1;
  let tell: (kind: EntryKind, place: string) => void = () => undefined;
  const observed = (place: string): ObservedEntry => {
    const object = objectOf(place);
    const meta = ownMeta(ENTRY_SETTINGS, object);
    const { entryKind } = kind;
    const entry = { Kind: entryKind, Name: object.name, Protocol: 'http', Meta: meta };
    return { entryKind, name: object.name, index: (index += 1), id: undefined, meta, entry };
  };
  const world: World = {
    clock,
    objects: new Map(places.map((place) => [place, objectOf(place)])),
    entries: new Map(existing.map((place) => [place.split('/')[1] ?? '', observed(place)])),
    refused: new Set(),
    contended: new Set(),
    undone: new Set(),
    completed: new Set(),
    sent: [],
    refreshed: new Set(),
    unreadable: new Set(),
    changed: (place) => tell(kind, place),
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
  const { objects, entries, refused, contended, undone, completed, sent, refreshed, unreadable } = world;
  const write = async (change: EntryChange): Promise<EntryWriteOutcome> => {
    sent.push({ name: change.name, at: clock.elapsed() });
    await new Promise<void>((resolve) => clock.after(WRITE_MILLISECONDS, resolve));
    if (contended.has(change.name)) {
      entries.set(change.name, { ...observed(`shop/${change.name}`), entry: { Protocol: 'grpc' } });
      return { kind: 'stale' };
    }
    if (refused.has(change.name)) return { kind: 'refused', reason: 'no' };
    if (undone.has(change.name)) {
      entries.set(change.name, { ...observed(`shop/${change.name}`), entry: { Protocol: 'grpc' } });
      return { kind: 'applied' };
    }
    if (completed.has(change.name)) {
      const known = entries.get(change.name) ?? observed(`shop/${change.name}`);
      entries.set(change.name, { ...known, entry: { ...known.entry, New: 'default' } });
      return { kind: 'applied' };
    }
    if (change.action === 'delete') entries.delete(change.name);
    else entries.set(change.name, observed(`${change.object.namespace}/${change.name}`));
    return { kind: 'applied' };
  };
  const ended = runConfigEntries(
    {
      clock,
      random: () => 0,
      objects: {
        objects: (each) => (each === kind ? [...objects.values()] : []),
        trouble: nothing,
        synced: () => Promise.resolve(),
        onChange: (listener) => {
          tell = listener;
          return nothing;
        },
        refresh: () => Promise.resolve(),
        relist: leader?.relist ?? (() => new Map()),
      },
      entries: {
        entries: (each) => ({ entries: each === kind ? [...entries.values()] : [], trouble: undefined }),
        isRead: () => true,
        idle: () => [],
        run: (_events, signal) =>
          new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
        readOne: (_kind, name) => Promise.resolve(entries.get(name)),
        refresh: ([each]) => {
          refreshed.add(each?.entryKind ?? '');
          return unreadable.has(each?.entryKind ?? '') ? Promise.reject(new Error('no')) : Promise.resolve();
        },
      },
      writer: { write, mayRemove: () => Promise.resolve(undefined) },
      cluster: clusterOf(objects),
      reporter: leader ? { ...REPORTER, failed: (error) => leader.failed.push(String(error)) } : REPORTER,
    },
    {
      kinds: ENTRY_KINDS,
      settings: ENTRY_SETTINGS,
      resync: 600_000,
      dryRun: false,
      once: false,
      areObjectsOld: leader !== undefined,
    },
    stop.signal,
  );
  return world;
}

const crowd = Array.from({ length: 1000 }, (_each, nth) => `crowd/s${nth}`);

test('many removals are confirmed once, by kinds that this Consul has, and all of them go', async () => {
  const { clock, entries, refreshed, unreadable, stop } = running([], crowd.slice(0, 400));
  unreadable.add('jwt-provider');
  await clock.advance(9_000);
  assert.equal(entries.size, 400);
  await clock.advance(3_000);
  assert.equal(entries.size, 0);
  assert.ok(refreshed.has('service-defaults'));
  assert.ok(!refreshed.has('control-plane-request-limit'), 'only Consul Enterprise can be asked for it');
  await stop();
});

test('entries whose update waits for its turn are guarded as all others are when their objects vanish', async () => {
  const places = crowd.slice(0, 400);
  const world = running(places, places);
  const { clock, objects, entries, changed, stop } = world;
  for (const place of places) objects.set(place, { ...objectOf(place), spec: { protocol: 'grpc' } });
  await clock.advance(50);
  objects.clear();
  changed('crowd/s0');
  await clock.advance(5_000);
  assert.equal(entries.size, 400);
  await stop();
});

test('a change waits for no thousand objects of somebody else that are new at the same time', async () => {
  const world = running(crowd);
  const { clock, objects, entries, changed, sent, stop } = world;
  await clock.advance(100);
  const start = clock.elapsed();
  objects.set('shop/web', objectOf('shop/web'));
  changed('shop/web');
  await clock.advance(400);
  assert.ok(entries.has('web'));
  const at = sent.find(({ name }) => name === 'web')?.at ?? Infinity;
  assert.ok(at - start < 150, `${at - start} ms`);
  await clock.advance(2000);
  assert.equal(entries.size, 1001);
  assert.equal(sent.length, 1001, 'each once');
  await stop();
});

test('a thousand refused objects of somebody else cost a change nothing, and Consul little', async () => {
  const world = running([...crowd, 'shop/web']);
  const { clock, objects, refused, changed, sent, stop } = world;
  for (const place of crowd) refused.add(place.split('/')[1] ?? '');
  await clock.advance(10_000);
  // What was refused beside the one that was written is tried once more in the same reconcile.
  assert.ok(sent.length >= 1001 && sent.length < 1001 + 128, `${sent.length}`);
  sent.length = 0;
  // Every change of an entry may be what the refused ones wait for.
  for (let second = 0; second < 10; second += 1) {
    objects.delete('shop/web');
    changed('shop/web');
    await clock.advance(500);
    objects.set('shop/web', objectOf('shop/web'));
    changed('shop/web');
    await clock.advance(500);
  }
  assert.equal(sent.filter(({ name }) => name === 'web').length, 20);
  const again = sent.length - 20;
  assert.ok(again > 0 && again <= 16 * 11, `${again} in 10 s`);
  await stop();
});

test('an entry that another program writes all the time is tried less and less often, and at once after an edit', async () => {
  const world = running(['shop/web']);
  const { clock, objects, contended, changed, sent, stop } = world;
  contended.add('web');
  for (let tenth = 0; tenth < 1200; tenth += 1) {
    changed('shop/web');
    await clock.advance(100);
  }
  // Three times each after 0, 1, 3, 7, 15, 31 and 63 s; the next one is a minute later.
  assert.equal(sent.length, 3 * 7);
  contended.clear();
  objects.set('shop/web', objectOf('shop/web', 2));
  changed('shop/web');
  await clock.advance(200);
  assert.equal(sent.length, 3 * 7 + 1);
  await stop();
});

test('a program that undoes every write is not answered for ever, and an edit by hand at once', async () => {
  const world = running(['shop/web']);
  const { clock, entries, undone, changed, sent, stop } = world;
  const sentWithin = async (seconds: number): Promise<number> => {
    const before = sent.length;
    for (let tenth = 0; tenth < seconds * 10; tenth += 1) {
      changed('shop/web');
      await clock.advance(100);
    }
    return sent.length - before;
  };
  await clock.advance(1000);
  for (let edit = 0; edit < 5; edit += 1) {
    entries.delete('web');
    assert.equal(await sentWithin(1), 1, 'by hand');
  }
  undone.add('web');
  entries.delete('web');
  const first = await sentWithin(10);
  assert.ok(first >= 5 && first <= 10, `${first} in 10 s`);
  const more = await sentWithin(600);
  assert.ok(more <= 10 * 20, `${more} in 10 minutes`);
  await stop();
});

test('what a newer Consul completes is written once more, to be sure that nobody else did it, and then no more', async () => {
  const world = running(['shop/web']);
  const { clock, completed, changed, sent, stop } = world;
  completed.add('web');
  for (let second = 0; second < 30; second += 1) {
    changed('shop/web');
    await clock.advance(1000);
  }
  assert.equal(sent.length, 3);
  await stop();
});

/** A new leader: one object is not known here yet, one has gone. `come` is the new list of their kind. */
function leading(lists: Record<string, Promise<void>>, failed: string[] = []) {
  const own = Promise.withResolvers<void>();
  const all = new Map([...Object.entries(lists), [kind.plural, own.promise]]);
  const world = running(['shop/gone'], ['shop/web'], { relist: () => all, failed });
  const come = (): void => {
    world.objects.set('shop/web', objectOf('shop/web'));
    world.objects.delete('shop/gone');
    own.resolve();
  };
  return { world, come };
}

test('a new leader writes and removes nothing by objects that it has from before, until these are listed anew', async () => {
  const failed: string[] = [];
  const { world, come } = leading({}, failed);
  await world.clock.advance(60_000);
  assert.deepEqual(world.sent, []);
  assert.match(failed.join(), /no new list of servicedefaults since/);
  come();
  await world.clock.advance(60_000);
  assert.deepEqual([world.sent, failed.length], [[], 2]);
  world.objects.set('shop/api', objectOf('shop/api'));
  world.changed('shop/api');
  await world.clock.advance(1000);
  assert.deepEqual(
    world.sent.map(({ name }) => name),
    ['api'],
  );
  await world.stop();
});

test('a kind that cannot be listed anew holds back no other for more than some seconds', async () => {
  const failed: string[] = [];
  const { world, come } = leading({ meshes: new Promise<void>(() => undefined) }, failed);
  world.objects.set('shop/api', objectOf('shop/api'));
  come();
  await world.clock.advance(4000);
  assert.deepEqual(world.sent, [], 'what it needs may be of the other kind');
  await world.clock.advance(2000);
  assert.deepEqual(
    world.sent.map(({ name }) => name),
    ['api'],
  );
  await world.clock.advance(60_000);
  assert.match(failed.join(), /no new list of meshes since/);
  await world.stop();
});

test('a list that comes late is acted upon at once', async () => {
  const { world, come } = leading({});
  await world.clock.advance(10_000);
  world.objects.set('shop/api', objectOf('shop/api'));
  come();
  await world.clock.advance(100);
  assert.deepEqual(
    world.sent.map(({ name }) => name),
    ['api'],
  );
  await world.stop();
});
