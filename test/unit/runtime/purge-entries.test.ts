/** A purge of config entries tells what it cannot see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, RawAnswer } from '../../../src/consul/servers.ts';
import { purgeEntries } from '../../../src/runtime/purge-entries.ts';

const MINE = { 'tandem-owner': 'one', 'tandem-object': 'shop/web' };

/**
 * @param filtered kind of which the token does not show everything
 * @param rights of the token; undefined: ACLs are off
 */
function consulWith(filtered: string | undefined, rights: readonly string[] | undefined) {
  const removed: string[] = [];
  const call = <T>({ method, path, body: sent = '[]', read }: Call<T>): Promise<T> => {
    if (path === '/v1/internal/acl/authorize') {
      const asked = JSON.parse(sent) as readonly { readonly Resource: string }[];
      const text = JSON.stringify(asked.map(({ Resource }) => ({ Allow: rights?.includes(Resource) })));
      const status = rights === undefined ? 401 : 200;
      return Promise.resolve(read({ kind: 'answer', status, text, header: () => undefined }));
    }
    const kind = path.split('/')[3] ?? '';
    if (method === 'DELETE') removed.push(path);
    const entries = [{ Kind: kind, Name: 'web', ModifyIndex: 7, Meta: MINE }];
    const body = method === 'DELETE' ? true : kind === 'service-defaults' ? entries : [];
    const header = (name: string): string | undefined =>
      name === 'x-consul-index'
        ? '7'
        : name === 'x-consul-results-filtered-by-acls' && kind === filtered
          ? 'true'
          : undefined;
    const isGone = method === 'GET' && path.split('/').length > 4;
    const raw: RawAnswer = { kind: 'answer', status: isGone ? 404 : 200, text: JSON.stringify(body), header };
    return Promise.resolve(read(raw));
  };
  const nothing = (): Promise<void> => Promise.resolve();
  return { consul: { call, leave: nothing, close: nothing }, removed };
}

async function purged(filtered: string | undefined, isRequired: boolean, rights?: readonly string[]) {
  const { consul, removed } = consulWith(filtered, rights);
  const told: string[] = [];
  let summary: unknown;
  const left = await purgeEntries(
    {
      owner: 'one',
      consul,
      datacenters: { datacenter: 'dc1', primaryDatacenter: 'dc1' },
      isRequired,
      log: (_level, message, fields) => {
        told.push(String(fields?.['reason'] ?? ''));
        if (message === 'config entries are purged') summary = fields?.['left'];
      },
    },
    new AbortController().signal,
  );
  return { left, removed, summary, told: told.filter((text) => text !== '').join() };
}

test('what is shown is removed, and a kind that is not shown whole is told and counts as left', async () => {
  const whole = await purged(undefined, true);
  assert.deepEqual(whole, { left: 0, removed: ['/v1/config/service-defaults/web'], summary: 0, told: '' });
  const partial = await purged('service-intentions', true);
  assert.equal(partial.left, 1);
  assert.match(partial.told, /does not show all entries of service-intentions/);
  assert.equal((await purged('service-intentions', false)).left, 0);
});

test('a token that may see less than there is, such as none at all, is told, and nothing is called done', async () => {
  const all = ['mesh', 'service', 'intention'];
  assert.equal((await purged(undefined, true, all)).summary, 0);
  for (const missing of all) {
    const rights = all.filter((right) => right !== missing);
    const { left, summary, told } = await purged(undefined, true, rights);
    assert.deepEqual([left, summary], [1, 'not known']);
    assert.match(told, new RegExp(`the token may not write ${missing} "", so it may not show everything`));
    assert.equal((await purged(undefined, false, rights)).summary, 'not known');
  }
});
