/** The custom resources as the loop of config entries sees them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { entryKindOf } from '../../../src/catalog/config-entries/entry-kinds.ts';
import type { ApiAnswer } from '../../../src/kubernetes/api-client.ts';
import { entryObjects } from '../../../src/runtime/entry-objects.ts';
import { TandemError } from '../../../src/support/errors.ts';

test('a CRD that is installed without an object is there, and what hangs on it is planned again', async () => {
  const kind = entryKindOf('Mesh');
  assert.ok(kind !== undefined);
  let isInstalled = false;
  const answer = (status: number, body: object): ApiAnswer => ({ status, body, weight: 1, headers: {} });
  const told: boolean[] = [];
  const objects = entryObjects({
    client: {
      request: () =>
        Promise.resolve(
          isInstalled
            ? answer(200, { kind: 'List', metadata: { resourceVersion: '1' }, items: [] })
            : answer(404, { message: 'the server could not find the requested resource' }),
        ),
      watch: async (_path, signal) => {
        await once(signal, 'abort');
        throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', 'aborted');
      },
    },
    kinds: [kind],
    onRestart: () => undefined,
    onKind: (_kind, isMissing) => void told.push(isMissing),
  });
  await objects.synced(AbortSignal.timeout(10_000));
  assert.deepEqual(objects.missing(), [kind]);
  assert.match(objects.trouble(kind) ?? '', /meshes.consul.hashicorp.com is not installed/);

  const relisted = async (): Promise<void> => objects.relist().get(kind.plural);
  await relisted();
  const changed = new Promise<unknown>((resolve) => objects.onChange(resolve));
  isInstalled = true;
  assert.equal(await changed, kind);
  assert.deepEqual(objects.missing(), []);
  assert.equal(objects.trouble(kind), undefined);
  assert.deepEqual(told, [true, false]);

  await relisted();
  // There is no list to wait for once it is removed.
  isInstalled = false;
  await relisted();
  assert.deepEqual(objects.missing(), [kind]);
  await objects.stop();
});
