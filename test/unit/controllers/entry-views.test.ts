/** What is asked before config entries are removed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownMeta } from '../../../src/catalog/config-entries/entry-holder.ts';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { createEntryMemory } from '../../../src/controllers/entry-memory.ts';
import { createEntryViews } from '../../../src/controllers/entry-views.ts';

const settings = {
  owner: 'one',
  datacenter: 'dc1',
  adopt: false,
  policy: 'sync',
  allowNamespaces: ['*'],
} as const;

for (const silent of ['the API server', 'Consul'] as const)
  test(`nothing is removed while ${silent} does not answer, and all else goes on`, async () => {
    const kind = entryKindOf('ServiceDefaults');
    assert.ok(kind !== undefined);
    let isSilent = true;
    const answer = (from: string): Promise<undefined> =>
      isSilent && from === silent ? Promise.reject(new Error('no answer')) : Promise.resolve(undefined);
    const meta = ownMeta(settings, { namespace: 'shop', name: 'web' });
    const entry = { entryKind: kind.entryKind, name: 'web', index: 7, meta, entry: {} };
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
          run: () => Promise.resolve(),
          readOne: () => Promise.resolve(undefined),
          refresh: () => Promise.resolve(),
        },
        writer: { mayRemove: () => answer('Consul') },
        cluster: { keeps: () => answer('the API server') },
      },
      { kinds: [kind], settings },
      memory,
    );
    const [view] = await views.observe(new AbortController().signal);
    assert.equal(view?.keep, 'no answer');
    assert.equal(views.retryDue(), 5000);

    isSilent = false;
    const [later] = await views.observe(new AbortController().signal);
    assert.equal(later?.keep, undefined);
    assert.equal(later?.isLost('service-defaults/web'), false, 'it did not go with its CRD');
    assert.equal(views.retryDue(), undefined);
  });
