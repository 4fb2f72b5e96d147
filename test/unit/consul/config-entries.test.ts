/** What becomes of Consul's answers to the write of a config entry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { entryWriter } from '../../../src/consul/config-entries.ts';

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
    primary: undefined,
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
