/** What becomes of Consul's answers about config entries. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { entrySource, entryWriter } from '../../../src/consul/config-entries.ts';
import type { Call, RawAnswer } from '../../../src/consul/servers.ts';
import { TandemError } from '../../../src/support/errors.ts';

test('a refusal that repeats a long text of the object is cut', async () => {
  const kind = entryKindOf('ServiceIntentions');
  assert.ok(kind !== undefined);
  const long = `Referenced JWT Provider does not exist. Provider Name: ${'x'.repeat(100_000)}`;
  const writer = entryWriter({
    client: {
      call: ({ refused }) => {
        assert.ok(refused !== undefined);
        return Promise.resolve(refused(long));
      },
    },
  });
  const outcome = await writer.write(
    {
      action: 'delete',
      reason: 'object-gone',
      key: 'service-intentions/web',
      kind,
      name: 'web',
      place: 'shop/web',
      index: 1,
      after: undefined,
    },
    new AbortController().signal,
  );
  assert.deepEqual(outcome, { kind: 'refused', reason: `${long.slice(0, 1000)}…` });
});

type State = { readonly index: number; readonly entries: Readonly<Record<string, number>> };

/** A Consul of which the test says when each list is answered, and from which state. */
function scripted() {
  const lists: ((state: State) => void)[] = [];
  let single: State = { index: 0, entries: {} };
  const json = (name: string, index: number): object => ({ Kind: 'mesh', Name: name, ModifyIndex: index });
  const raw = (status: number, body: unknown, index: number): RawAnswer => ({
    kind: 'answer',
    status,
    text: JSON.stringify(body),
    header: (name) => (name === 'x-consul-index' ? String(index) : undefined),
  });
  const call = <T>({ path, read }: Call<T>): Promise<T> => {
    const name = path.split('/')[4];
    if (name === undefined)
      return new Promise((resolve) =>
        lists.push(({ index, entries }) => {
          const all = Object.entries(entries).map(([each, at]) => json(each, at));
          resolve(read(raw(200, all, index)));
        }),
      );
    const at = single.entries[name];
    const answer = at === undefined ? raw(404, 'none', single.index) : raw(200, json(name, at), single.index);
    return Promise.resolve(read(answer));
  };
  return {
    client: { call },
    /** Resolves when the answer was taken, and the next list asked for. */
    list: async (state: State): Promise<void> => {
      const asked = await until(() => lists.shift());
      asked(state);
      await until(() => (lists.length > 0 ? true : undefined));
    },
    single: (state: State): void => {
      single = state;
    },
  };
}

async function until<T>(get: () => T | undefined): Promise<T> {
  for (;;) {
    const found = get();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function following(run: (parts: Following) => Promise<void>): Promise<void> {
  const kind = entryKindOf('ServiceDefaults');
  assert.ok(kind !== undefined);
  const consul = scripted();
  const source = entrySource({ client: consul.client, kinds: [kind], primary: undefined }, () => 0);
  const ending = new AbortController();
  let changes = 0;
  const events = {
    isUsed: () => true,
    changed: () => (changes += 1),
    failed: (error: unknown) => assert.fail(String(error)),
  };
  void source.run(events, ending.signal);
  await run({
    ...consul,
    readOne: (name) => source.readOne(kind, name, ending.signal),
    names: () => (source.entries(kind).entries ?? []).map(({ name, index }) => `${name}@${index}`).toSorted(),
    changes: () => changes,
  });
  ending.abort();
}

type Following = Omit<ReturnType<typeof scripted>, 'client'> & {
  readonly readOne: (name: string) => Promise<unknown>;
  readonly names: () => readonly string[];
  readonly changes: () => number;
};

test('a list with nothing but what was read back after our own write is no change', () =>
  following(async ({ list, single, readOne, names, changes }) => {
    await list({ index: 5, entries: { web: 5, api: 4 } });
    assert.equal(changes(), 1);
    single({ index: 7, entries: { web: 7 } });
    await readOne('web');
    assert.deepEqual(names(), ['api@4', 'web@7']);
    await list({ index: 7, entries: { web: 7, api: 4 } });
    assert.equal(changes(), 1);
    await list({ index: 8, entries: { web: 7, api: 8 } });
    assert.equal(changes(), 2, 'somebody else wrote');
  }));

test('a list that is older than what was read back since takes none of it away, and brings the rest', () =>
  following(async ({ list, single, readOne, names, changes }) => {
    await list({ index: 5, entries: { web: 5, gone: 3 } });
    single({ index: 9, entries: { web: 9 } });
    await readOne('web');
    await readOne('gone');
    assert.deepEqual(names(), ['web@9']);
    await list({ index: 6, entries: { web: 5, gone: 3, other: 6 } });
    assert.deepEqual(names(), ['other@6', 'web@9']);
    assert.equal(changes(), 2);
    await list({ index: 10, entries: { web: 9, other: 6, gone: 10 } });
    assert.deepEqual(names(), ['gone@10', 'other@6', 'web@9'], 'it came back');
  }));

test('a single read that a list has overtaken changes nothing', () =>
  following(async ({ list, single, readOne, names }) => {
    await list({ index: 9, entries: { web: 9 } });
    single({ index: 8, entries: { web: 4 } });
    await readOne('web');
    assert.deepEqual(names(), ['web@9']);
  }));

test('after a restored snapshot, nothing of what was read before holds', () =>
  following(async ({ list, single, readOne, names }) => {
    await list({ index: 50, entries: { web: 50 } });
    single({ index: 60, entries: { new: 60 } });
    await readOne('new');
    await list({ index: 10, entries: { web: 10 } });
    await list({ index: 10, entries: { web: 10 } });
    assert.deepEqual(names(), ['web@10']);
  }));

test('a kind that nobody uses is read once, and followed from the moment that it is used', async () => {
  const kind = entryKindOf('ServiceIntentions');
  assert.ok(kind !== undefined);
  const asked: (string | undefined)[] = [];
  let isUsed = false;
  const source = entrySource({
    kinds: [kind],
    primary: undefined,
    client: {
      call: async ({ path, query, signal, read }) => {
        if (!path.startsWith('/v1/config/')) return read({ status: 200, text: '{}' } as never);
        asked.push(query?.['index']);
        if (query?.['index'] !== undefined) await once(signal as AbortSignal, 'abort');
        signal?.throwIfAborted();
        return read({
          status: 200,
          header: (name: string) => (name === 'x-consul-index' ? '7' : undefined),
          text: '[]',
        } as never);
      },
    },
  });
  const ending = new AbortController();
  const running = source.run(
    { isUsed: () => isUsed, changed: () => undefined, failed: (error) => assert.fail(String(error)) },
    ending.signal,
  );
  await until(() => source.idle()[0]);
  assert.equal(source.isRead(), true);
  assert.deepEqual(asked, [undefined]);

  isUsed = true;
  await source.refresh([kind], ending.signal);
  await until(() => asked.at(-1));
  assert.deepEqual(asked, [undefined, undefined, undefined, '7']);
  assert.deepEqual(source.idle(), []);
  ending.abort();
  await running;
});

test('an entry is known by the Consul that it is in and by when it was made there', async () => {
  const kind = entryKindOf('ServiceIntentions');
  assert.ok(kind !== undefined);
  let [trustDomain, created, isTold] = ['a.consul', 5, true];
  const client = {
    call: <T>({ path, read }: Call<T>): Promise<T> => {
      const isRoots = path === '/v1/connect/ca/roots';
      if (isRoots && !isTold)
        return Promise.reject(new TandemError('TANDEM_CONSUL_REFUSED', 'Connect must be enabled'));
      const entry = { Name: 'web', CreateIndex: created, ModifyIndex: 7 };
      const body = isRoots ? { TrustDomain: trustDomain } : path.endsWith('/web') ? entry : [entry];
      const header = (): string => '7';
      return Promise.resolve(read({ kind: 'answer', status: 200, text: JSON.stringify(body), header }));
    },
  };
  const source = entrySource({ kinds: [kind], primary: undefined, client });
  const { signal } = new AbortController();
  const ids = async (): Promise<readonly unknown[]> => {
    await source.refresh([kind], signal);
    const [listed] = source.entries(kind).entries ?? [];
    return [listed?.id, (await source.readOne(kind, 'web', signal))?.id];
  };
  assert.deepEqual(await ids(), ['a.consul/5', 'a.consul/5']);
  trustDomain = 'b.consul';
  assert.deepEqual(await ids(), ['b.consul/5', 'b.consul/5'], 'with the same indexes in another Consul');
  created = 6;
  assert.deepEqual(await ids(), ['b.consul/6', 'b.consul/6']);
  isTold = false;
  assert.deepEqual(await ids(), [undefined, undefined]);
});
