/** What `tandem check` makes of answers that are none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openConsul } from '../../../src/consul/client.ts';
import { meshFacts } from '../../../src/runtime/check-mesh.ts';
import { fakeConsul, json } from '../consul/fake-consul.ts';

test('an answer without a verdict on intentions is not taken for a denial', async () => {
  for (const answer of [{}, [], null, { Allowed: 'no' }]) {
    await using consul = await fakeConsul((response, seen, request) =>
      json(seen.url.startsWith('/v1/catalog/nodes') ? [] : answer)(response, seen, request),
    );
    const client = await openConsul({
      addresses: () => [consul.url],
      token: { kind: 'none' },
      caFile: undefined,
      serverName: undefined,
      datacenter: undefined,
      namespace: undefined,
    });
    const { proxies, isAllowedByDefault } = await meshFacts(client, new AbortController().signal);
    await client.close();
    assert.equal(proxies.kind, 'seen');
    assert.ok(isAllowedByDefault.kind === 'failed' && isAllowedByDefault.code !== 'timeout');
  }
});
