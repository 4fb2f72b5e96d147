/** A purge of config entries tells what it cannot see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, RawAnswer } from '../../../src/consul/servers.ts';
import { purgeEntries } from '../../../src/runtime/purge-entries.ts';

const MINE = { 'tandem-owner': 'one', 'tandem-object': 'shop/web' };

/** @param filtered kind of which the token does not show everything */
function consulWith(filtered: string | undefined) {
  const removed: string[] = [];
  const call = <T>({ method, path, read }: Call<T>): Promise<T> => {
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

async function purged(filtered: string | undefined, isRequired: boolean) {
  const { consul, removed } = consulWith(filtered);
  const told: string[] = [];
  const left = await purgeEntries(
    {
      owner: 'one',
      consul,
      datacenters: { datacenter: 'dc1', primaryDatacenter: 'dc1' },
      isRequired,
      log: (_level, _message, fields) => void told.push(String(fields?.['reason'] ?? '')),
    },
    new AbortController().signal,
  );
  return { left, removed, told: told.filter((text) => text !== '').join() };
}

test('what is shown is removed, and a kind that is not shown whole is told and counts as left', async () => {
  const whole = await purged(undefined, true);
  assert.deepEqual(whole, { left: 0, removed: ['/v1/config/service-defaults/web'], told: '' });
  const partial = await purged('service-intentions', true);
  assert.equal(partial.left, 1);
  assert.match(partial.told, /does not show all entries of service-intentions/);
  assert.equal((await purged('service-intentions', false)).left, 0);
});
