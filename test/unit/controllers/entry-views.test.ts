/** What is asked before config entries are removed, and how often a plan is made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RECALL } from '../../../src/catalog/config-entries/decide-entry.ts';
import { ownMeta } from '../../../src/catalog/config-entries/entry-holder.ts';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import type { EntryObject } from '../../../src/catalog/config-entries/entry-object.ts';
import { createEntryViews } from '../../../src/controllers/entry-views.ts';
import { ENTRY_SETTINGS, writeOf } from './entry-changes.ts';

const CREATED = '2026-01-01T00:00:00Z';

type Sides = {
  /** Names of those that are ours and say something else than their objects. */
  readonly entries?: readonly string[];
  readonly objects?: readonly EntryObject[];
  readonly mayRemove?: () => Promise<undefined>;
  readonly crdCreated?: () => Promise<string>;
  /** Is asked whether Consul took the entry otherwise, once in each plan. */
  readonly isAccepted?: () => boolean;
};

function viewsOf({
  entries = ['web'],
  objects = [],
  mayRemove,
  crdCreated,
  isAccepted = () => false,
}: Sides) {
  const kind = entryKindOf('ServiceDefaults');
  assert.ok(kind !== undefined);
  const observed = entries.map((name) => {
    const meta = ownMeta(ENTRY_SETTINGS, { namespace: 'shop', name, creationTimestamp: CREATED });
    return { entryKind: kind.entryKind, name, index: 7, id: undefined, meta, entry: {} };
  });
  const nothing = (): Promise<undefined> => Promise.resolve(undefined);
  return createEntryViews(
    {
      clock: { elapsed: () => 0 },
      isAwaited: () => false,
      objects: {
        objects: () => objects,
        trouble: () => undefined,
        synced: nothing,
        onChange: () => () => undefined,
        refresh: nothing,
        relist: () => new Map(),
      },
      entries: {
        entries: () => ({ entries: observed, trouble: undefined }),
        isRead: () => true,
        idle: () => [],
        run: nothing,
        readOne: nothing,
        refresh: nothing,
      },
      writer: { mayRemove: mayRemove ?? nothing },
      cluster: { crd: async () => ({ isThere: true, created: (await crdCreated?.()) ?? CREATED }) },
    },
    { kinds: [kind], settings: ENTRY_SETTINGS },
    { ...NO_RECALL, isAccepted },
  );
}

const { signal } = new AbortController();

for (const silent of ['the API server', 'Consul'] as const)
  test(`nothing is removed while ${silent} does not answer, and all else goes on`, async () => {
    let isSilent = true;
    const answer = <T>(from: string, value: T): Promise<T> =>
      isSilent && from === silent ? Promise.reject(new Error('no answer')) : Promise.resolve(value);
    const views = viewsOf({
      mayRemove: () => answer('Consul', undefined),
      crdCreated: () => answer('the API server', CREATED),
    });
    const [view] = await views.observe(signal);
    assert.equal(view?.keep, 'no answer');
    assert.equal(views.retryDue(), 5000);

    isSilent = false;
    const [later] = await views.observe(signal);
    assert.equal(later?.keep, undefined);
    assert.equal(later?.crdCreated, CREATED);
    assert.equal(views.retryDue(), undefined);
  });

test('a plan is made once in a reconcile, and twice only when what was asked for makes it another', async () => {
  let plans = 0;
  const isAccepted = (): boolean => {
    plans += 1;
    return false;
  };
  const plansOf = async (views: ReturnType<typeof viewsOf>): Promise<number> => {
    plans = 0;
    views.plan(await views.observe(signal));
    return plans;
  };
  const objects = [writeOf('ServiceDefaults', 'shop/web').object];
  assert.equal(await plansOf(viewsOf({ objects, isAccepted })), 1, 'nothing is removed');
  const removing = viewsOf({ entries: ['web', 'gone'], objects, isAccepted });
  assert.equal(await plansOf(removing), 2, 'the CRD was asked for');
  assert.equal(await plansOf(removing), 1, 'and is the same still');
});
