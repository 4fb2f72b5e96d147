/** A state that somebody damaged is refused as a whole: what would be made in its place is in use. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { newCa } from '../../../src/certificates/sign.ts';
import { CA_LIFE } from '../../../src/secure/certificates.ts';
import { readState, writeState, type SecureState } from '../../../src/secure/secure-state.ts';

const made = (): { certificate: string; key: string } => newCa({ now: Date.now(), life: CA_LIFE });

const STATE: SecureState = {
  ca: { ...made(), others: '', cross: undefined },
  older: [{ certificate: made().certificate, leavesAt: 1 }],
  distrusted: [{ certificate: made().certificate, leavesAt: 2 }],
  gossip: randomBytes(32).toString('base64'),
  nextGossip: undefined,
  tokens: { agent: { accessor: 'a', secret: 'b' }, recovery: { accessor: '', secret: 'c' } },
  nextTokens: {},
  answered: { ca: 'then' },
};

test('a state is read as it was written', () => {
  assert.deepEqual(readState(writeState(STATE)), STATE);
  const without = { ...STATE, ca: undefined, gossip: undefined, tokens: {}, older: [] };
  assert.deepEqual(readState(writeState(without)), without);
});

test('a state of an earlier version has no distrusted CA', () => {
  const { distrusted: _gone, ...earlier } = JSON.parse(writeState(STATE)) as Record<string, unknown>;
  assert.deepEqual(readState(JSON.stringify(earlier)), { ...STATE, distrusted: [] });
});

test('a state with a damaged part is none', () => {
  const json = JSON.parse(writeState(STATE)) as Record<string, unknown>;
  const damaged: Readonly<Record<string, unknown>> = {
    'no key of the CA': { ca: { certificate: STATE.ca?.certificate } },
    'a key that is none': { ca: { ...STATE.ca, key: 'garbage' } },
    'the key of another CA': { ca: { ...STATE.ca, key: made().key } },
    'a certificate that is none': { ca: { ...STATE.ca, certificate: 'garbage' } },
    'a CA that is a text': { ca: 'garbage' },
    'an older CA without an end': { older: [{ certificate: STATE.older[0]?.certificate }] },
    'older CAs that are null': { older: null },
    'an older CA that is none': { older: [{ certificate: 'garbage', leavesAt: 1 }] },
    'a distrusted CA that is none': { distrusted: [{ certificate: 'garbage', leavesAt: 1 }] },
    'distrusted CAs that are none': { distrusted: 'garbage' },
    'a gossip key that is a number': { gossip: 1 },
    'a gossip key that is too short': { gossip: 'YWJj' },
    'a next gossip key that is none': { nextGossip: '' },
    'half a token': { tokens: { agent: { accessor: 'a' } } },
    'tokens that are none': { tokens: 'garbage' },
    'a next token that is empty': { nextTokens: { dns: { accessor: 'a', secret: '' } } },
  };
  for (const [what, part] of Object.entries(damaged))
    assert.equal(readState(JSON.stringify({ ...json, ...(part as object) })), undefined, what);
  for (const text of ['', '{}', 'null', '[]', '{"older":[]']) assert.equal(readState(text), undefined, text);
});
