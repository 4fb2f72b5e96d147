import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPodTokens } from '../../../../src/catalog/mesh/pod-token.ts';

/** As Consul 1.20.6 lists one that a login has made. */
function token(meta: object | string, edit: object = {}): object {
  const text = typeof meta === 'string' ? meta : JSON.stringify(meta);
  return {
    AccessorID: 'a',
    SecretID: 's',
    AuthMethod: 'k8s',
    Description: `token created via login: ${text}`,
    ...edit,
  };
}

const OURS = { owner: 'c1', pod: 'default/web-0', 'pod-uid': 'u1' };
const read = (...tokens: readonly unknown[]): unknown => readPodTokens(tokens, 'k8s', 'c1');

test('tokens of pods of this owner, without their secrets', () => {
  const made = { CreateTime: '2026-01-01T00:00:00.5Z', ServiceIdentities: [{ ServiceName: 'web' }] };
  const created = Date.parse('2026-01-01T00:00:00.500Z');
  assert.deepEqual(read(token(OURS, made)), [{ accessor: 'a', uid: 'u1', services: 'web', created }]);
  assert.deepEqual(read(token(OURS)), [{ accessor: 'a', uid: 'u1', services: '', created: NaN }]);
});

test('a token that does not say that it is of a pod of this owner is nobody to us', () => {
  const others = [
    token({ ...OURS, owner: 'c2' }),
    token({ pod: 'default/web-0', 'pod-uid': 'u1' }),
    token({ owner: 'c1', pod: 'default/web-0' }),
    token({ ...OURS, 'pod-uid': 7 }),
    token('{'),
    token('null'),
    token(OURS, { AuthMethod: 'other' }),
    token(OURS, { AuthMethod: undefined }),
    token(OURS, { AccessorID: undefined }),
    token(OURS, { Description: JSON.stringify(OURS) }),
    token(OURS, { Description: `made by hand: ${JSON.stringify(OURS)}` }),
    null,
  ];
  assert.deepEqual(read(...others), []);
});

test('an answer of another form says nothing', () => {
  for (const answer of [null, {}, 'no']) assert.equal(readPodTokens(answer, 'k8s', 'c1'), undefined);
});
