/** What is asked before config entries are removed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownMeta } from '../../../src/catalog/config-entries/entry-holder.ts';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { createEntryMemory } from '../../../src/controllers/entry-memory.ts';
import { createEntryViews } from '../../../src/controllers/entry-views.ts';
import { ENTRY_SETTINGS } from './entry-changes.ts';

for (const silent of ['the API server', 'Consul'] as const)
  test(`nothing is removed while ${silent} does not answer, and all else goes on`, async () => {
    const kind = entryKindOf('ServiceDefaults');
    assert.ok(kind !== undefined);
    let isSilent = true;
    const answer = <T>(from: string, value: T): Promise<T> =>
      isSilent && from === silent ? Promise.reject(new Error('no answer')) : Promise.resolve(value);
    const creationTimestamp = '2026-01-01T00:00:00Z';
    const meta = ownMeta(ENTRY_SETTINGS, { namespace: 'shop', name: 'web', creationTimestamp });
    const entry = { entryKind: kind.entryKind, name: 'web', index: 7, id: undefined, meta, entry: {} };
    const memory = createEntryMemory(() => 0);
    const views = createEntryViews(
      {
        clock: { elapsed: () => 0 },
        objects: {
          objects: () => [],
          trouble: () => undefined,
          synced: () => Promise.resolve(),
          onChange: () => () => undefined,
          refresh: () => Promise.resolve(),
        },
        entries: {
          entries: () => ({ entries: [entry], trouble: undefined }),
          isRead: () => true,
          idle: () => [],
          run: () => Promise.resolve(),
          readOne: () => Promise.resolve(undefined),
          refresh: () => Promise.resolve(),
        },
        writer: { mayRemove: () => answer('Consul', undefined) },
        cluster: { crd: () => answer('the API server', { isThere: true, created: creationTimestamp }) },
      },
      { kinds: [kind], settings: ENTRY_SETTINGS },
      memory,
    );
    const [view] = await views.observe(new AbortController().signal);
    assert.equal(view?.keep, 'no answer');
    assert.equal(views.retryDue(), 5000);

    isSilent = false;
    const [later] = await views.observe(new AbortController().signal);
    assert.equal(later?.keep, undefined);
    assert.equal(later?.crdCreated, creationTimestamp);
    assert.equal(views.retryDue(), undefined);
  });
