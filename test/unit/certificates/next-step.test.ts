/** The table of the rotation, line by line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ca, Serving } from '../../../src/certificates/certificate-facts.ts';
import { nextStep, type RotationState, type Step } from '../../../src/certificates/next-step.ts';

const TIMES = { caLife: 900, servingLife: 90, settle: 10 };

const caOf = (id: string, issued: number): Ca => ({
  id,
  certificate: `<${id}>`,
  issued,
  expires: issued + TIMES.caLife,
});
const servingOf = (issuer: string, issued: number, isForHosts = true): Serving => ({
  pair: { certificate: `serving of ${issuer}`, key: '' },
  issuer,
  issued,
  expires: issued + TIMES.servingLife,
  isForHosts,
});
const entryOf = (...cas: readonly Ca[]) => ({
  bundle: cas.map(({ certificate }) => certificate).join(''),
  cas,
});

const [A, B] = [caOf('a', 0), caOf('b', 100)];

const well: RotationState = {
  now: 110,
  isSecretThere: true,
  ca: B,
  older: [],
  serving: servingOf('b', 100),
  entries: [entryOf(B), entryOf(B)],
  publishedFor: 1000,
  alsoKept: [],
};

function step(change: Partial<RotationState>): Step {
  return nextStep({ ...well, ...change }, TIMES);
}

test('when all is well nothing is done until something is due', () => {
  assert.deepEqual(step({}), { kind: 'keep', reason: 'nothing-due', until: 160 });
  assert.equal(step({ now: 159 }).kind, 'keep');
  assert.deepEqual(step({ now: 160 }), { kind: 'issue', reason: 'serving-due' });
});

test('a CA is made when there is none, when it cannot be used, and when a third of its life is left', () => {
  for (const [reason, change] of [
    ['secret-absent', { isSecretThere: false, ca: undefined }],
    ['ca-unusable', { ca: undefined }],
    ['ca-unusable', { now: 1000 }],
    ['ca-due', { now: 700 }],
  ] as const) {
    const { kind, reason: found } = step(change);
    assert.deepEqual([kind, found], ['new-ca', reason]);
  }
  assert.notEqual(step({ now: 699 }).kind, 'new-ca');
});

test('the CA before stays for a life of what it signed; one that is published and unknown too', () => {
  const due = step({ now: 700 });
  assert.deepEqual(due.kind === 'new-ca' && due.older, [{ ...B, leavesAt: 790 }]);
  const lost = step({ isSecretThere: false, ca: undefined, entries: [entryOf(A), entryOf(B)] });
  assert.deepEqual(lost.kind === 'new-ca' && lost.older.map(({ id, leavesAt }) => [id, leavesAt]), [
    ['a', 200],
    ['b', 200],
  ]);
});

test('a CA whose end nobody knows is kept and written down before anything is published', () => {
  for (const change of [
    { entries: [entryOf(B, A), entryOf(B)] },
    { older: [{ ...A, leavesAt: undefined }], entries: [entryOf(B), entryOf(B)] },
  ])
    assert.deepEqual(step(change), {
      kind: 'keep-ca',
      reason: 'ca-unknown',
      older: [{ ...A, leavesAt: 200 }],
    });
  assert.equal(
    step({ now: 950, serving: servingOf('b', 940), ca: caOf('b', 500), entries: [entryOf(A)] }).kind,
    'publish',
  );
});

test('an entry that differs is published, with what has not left', () => {
  const older = [{ ...A, leavesAt: 150 }];
  assert.deepEqual(step({ older }), { kind: 'publish', reason: 'bundle-differs', bundle: '<b><a>' });
  const both = [entryOf(B, A), entryOf(B, A)];
  assert.equal(step({ older, entries: both }).kind, 'keep');
  assert.deepEqual(step({ older, entries: both, now: 150 }), {
    kind: 'publish',
    reason: 'bundle-differs',
    bundle: '<b>',
  });
  assert.equal(step({ entries: [entryOf(B), entryOf()] }).kind, 'publish');
});

test('a bundle that no certificate waits for is published last of all', () => {
  const publish = { kind: 'publish', reason: 'bundle-differs', bundle: '<b>' } as const;
  const alsoKept = ['<a>'];
  assert.deepEqual(step({ alsoKept }), publish);
  assert.equal(step({ alsoKept: ['<b>', '<b>'] }).kind, 'keep');
  assert.equal(step({ alsoKept, serving: undefined }).kind, 'issue');
  assert.equal(step({ alsoKept, older: [{ ...A, leavesAt: 105 }] }).kind, 'forget-ca');
  assert.equal(step({ alsoKept, ca: undefined }).kind, 'new-ca');
  const older = [{ ...A, leavesAt: 200 }];
  const settling = { older, entries: [entryOf(B, A)], serving: servingOf('a', 90), publishedFor: 4 };
  assert.deepEqual(step({ ...settling, alsoKept }), { ...publish, bundle: '<b><a>' });
});

test('a certificate waits until its CA is published for long enough, unless nobody can be served anyway', () => {
  const older = [{ ...A, leavesAt: 200 }];
  const fresh = { older, entries: [entryOf(B, A), entryOf(B, A)], serving: servingOf('a', 90) };
  assert.deepEqual(step({ ...fresh, publishedFor: 4 }), {
    kind: 'wait',
    reason: 'ca-not-settled',
    until: 116,
  });
  assert.deepEqual(step({ ...fresh, publishedFor: 10 }), { kind: 'issue', reason: 'other-ca' });
  assert.deepEqual(step({ serving: undefined, publishedFor: 0 }), {
    kind: 'issue',
    reason: 'serving-unusable',
  });
  assert.deepEqual(step({ serving: undefined, entries: [], publishedFor: undefined }), {
    kind: 'wait',
    reason: 'no-configuration',
    until: Infinity,
  });
});

test('a certificate is issued when there is none, and for what is wrong with the one that is there', () => {
  for (const [reason, serving, now] of [
    ['serving-unusable', undefined, 110],
    ['serving-unusable', servingOf('b', 100), 190],
    ['other-ca', servingOf('a', 100), 110],
    ['other-hosts', servingOf('b', 100, false), 110],
  ] as const)
    assert.deepEqual(step({ serving, now }), { kind: 'issue', reason });
});

test('a CA that has left is forgotten once it is published no more', () => {
  assert.deepEqual(step({ older: [{ ...A, leavesAt: 105 }] }), {
    kind: 'forget-ca',
    reason: 'ca-gone',
    older: [],
  });
});
