import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { secret, withoutSecret } from '../../../src/support/secret.ts';

test('no way to print a secret shows it', () => {
  const token = secret('s3cr3t');
  const holder = { token, list: [token] };
  for (const shown of [
    String(token),
    ['a list:', token].join(' '),
    JSON.stringify(holder),
    inspect(holder, { depth: 9, showHidden: true }),
    JSON.stringify(Object.entries(token)),
    inspect(JSON.parse(JSON.stringify(holder))),
  ]) {
    assert.doesNotMatch(shown, /s3cr3t/);
  }
  assert.equal(token.reveal(), 's3cr3t');
});

test('a text that repeats the secret is cleaned', () => {
  assert.equal(withoutSecret('token s3cr3t, s3cr3t', secret('s3cr3t')), 'token [redacted], [redacted]');
  assert.equal(withoutSecret('nothing', secret('')), 'nothing');
  assert.equal(withoutSecret('nothing', undefined), 'nothing');
});
