/** What a replica serves of the shared Secret, and what it says of itself. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import type { KeyPair } from '../../../src/certificates/key-pair.ts';
import { readContent, writeContent, type SecretTexts } from '../../../src/certificates/secret-content.ts';
import { sharedSource } from '../../../src/certificates/shared-source.ts';
import { sharedView } from '../../../src/certificates/shared-view.ts';

const MINUTE = 60_000;
const START = Date.UTC(2030, 0, 1);
let [old, next]: readonly KeyPair[] = [];
let [ofOld, ofNext]: readonly KeyPair[] = [];
before(async () => {
  [old, next] = await Promise.all([generateCa(START), generateCa(START)]);
  [ofOld, ofNext] = [old, next].map((ca) =>
    generateServing(ca ?? { certificate: '', key: '' }, ['localhost'], START, 10 * MINUTE),
  );
});

const SETTLE = MINUTE;

function replica() {
  let now = START;
  let timer: { readonly at: number; readonly callback: () => void } | undefined;
  const view = sharedView({ hosts: ['localhost'], now: () => now, elapsed: () => now });
  const source = sharedSource(
    view,
    SETTLE,
    () => now,
    (milliseconds, callback) => {
      timer = { at: now + milliseconds, callback };
      return () => (timer = undefined);
    },
  );
  const events: string[] = [];
  source.onEvent(({ kind }) => events.push(kind));
  type Bundles = readonly (readonly (KeyPair | undefined)[])[];
  const pem = (cas: readonly (KeyPair | undefined)[]): string => cas.map((ca) => ca?.certificate).join('');
  const take = (secret: SecretTexts, bundles: Bundles, bundlesWrittenAt?: number): void => {
    view.take({ secret, bundles: bundles.map(pem), bundlesWrittenAt });
    source.update();
  };
  return {
    source,
    events,
    /** The Secret and the bundles of both entries, as the API server tells them. */
    see: (secret: SecretTexts, ...bundles: Bundles) => take(secret, bundles),
    /** And it says when the bundles were written. */
    seeWritten: (writtenAt: number, secret: SecretTexts, ...bundles: Bundles) =>
      take(secret, bundles, writtenAt),
    /** Time passes, and nothing is told. */
    at: (time: number) => {
      now = time;
      if (timer === undefined || timer.at > now) return;
      const { callback } = timer;
      timer = undefined;
      callback();
    },
  };
}

const holding = (ca: KeyPair | undefined, serving: KeyPair | undefined): Readonly<Record<string, string>> =>
  writeContent({ ca, older: [], serving });

test('a certificate is served once its CA is in every entry, and not before', () => {
  const { source, events, see, at } = replica();
  see(undefined, [old], [old]);
  assert.equal(source.current(), undefined);
  assert.match(source.problem() ?? '', /no certificate/);
  see(holding(old, ofOld), [old], []);
  assert.equal(source.current(), undefined, 'one entry has it not');
  see(holding(old, ofOld), [old], [old]);
  assert.deepEqual([source.current(), source.problem()], [ofOld, undefined]);
  see(holding(next, ofNext), [old], [old]);
  assert.deepEqual(
    [source.current(), source.problem()],
    [ofOld, undefined],
    'the Secret is ahead of the bundle',
  );
  see(holding(next, ofNext), [next, old], [next, old]);
  assert.deepEqual(source.current(), ofOld, 'the API server may not have seen the bundle yet');
  at(START + SETTLE - 1);
  see(holding(next, ofNext), [next, old], [next, old]);
  assert.deepEqual(source.current(), ofOld);
  at(START + SETTLE);
  assert.deepEqual([source.current(), events], [ofNext, ['changed', 'changed']]);
});

test('a replica that starts waits while others may serve what another CA has signed', () => {
  const started = (see: (one: ReturnType<typeof replica>) => void) => {
    const one = replica();
    see(one);
    return one;
  };
  const both = [
    [next, old],
    [next, old],
  ];
  const { source, at } = started(({ seeWritten }) =>
    seeWritten(START - 20_000, holding(next, ofNext), ...both),
  );
  assert.equal(source.current(), undefined, 'an API server may have seen the bundle of before only');
  assert.match(source.problem() ?? '', /for long enough/);
  at(START - 20_000 + SETTLE);
  assert.deepEqual([source.current(), source.problem()], [ofNext, undefined]);

  for (const ready of [
    started(({ seeWritten }) => seeWritten(START - SETTLE, holding(next, ofNext), ...both)),
    started(({ see }) => see(holding(next, ofNext), [next], [next])),
    started(({ see }) => {
      see(undefined, [], []);
      see(holding(next, ofNext), ...both);
    }),
  ])
    assert.deepEqual(ready.source.current(), ofNext);
});

test('without a webhook configuration nothing is published', () => {
  const { source, see } = replica();
  see(holding(old, ofOld));
  assert.equal(source.current(), undefined);
});

test('not ready: its CA is published no more, or it has expired', () => {
  const { source, see, at } = replica();
  see(holding(old, ofOld), [old], [old]);
  see(holding(old, ofOld), [old], [next]);
  assert.match(source.problem() ?? '', /not in the webhook configuration/);
  see(holding(old, ofOld), [old], [old]);
  assert.equal(source.problem(), undefined);
  at(START + 10 * MINUTE);
  assert.match(source.problem() ?? '', /expired/);
});

test('a Secret that is gone or spoilt leaves in use what is served, and says so once', () => {
  const { source, events, see } = replica();
  see(holding(old, ofOld), [old], [old]);
  see(undefined, [old], [old]);
  see({ ...holding(old, ofOld), 'tls.key': 'garbage' }, [old], [old]);
  see({ ...holding(old, ofOld), 'tls.key': ofNext?.key ?? '' }, [old], [old]);
  assert.deepEqual([source.current(), source.problem(), events], [ofOld, undefined, ['changed', 'failed']]);
});

test('the content is what was written; whatever cannot be used is left out', () => {
  const [older] = readContent({ 'ca.crt': old?.certificate ?? '' }).older;
  assert.ok(older !== undefined && older.leavesAt === undefined, 'a CA without its key signs no more');
  const texts = writeContent({ ca: next, older: [{ ...older, leavesAt: START }], serving: ofNext });
  const content = readContent(texts);
  assert.deepEqual(content.ca?.key, next?.key);
  assert.deepEqual(content.older, [{ ...older, leavesAt: START }]);
  assert.deepEqual(content.serving, ofNext);
  for (const spoilt of [{ 'ca.key': '' }, { 'ca.key': old?.key ?? '' }, { 'ca.key': 'garbage' }])
    assert.equal(readContent({ ...texts, ...spoilt }).ca, undefined);
  assert.deepEqual(
    readContent({ ...texts, 'ca-leaving': '[1' }).older.map(({ leavesAt }) => leavesAt),
    [undefined],
  );
  assert.deepEqual(readContent(undefined), { ca: undefined, older: [], serving: undefined });
  assert.deepEqual(readContent({ 'ca.crt': ofOld?.certificate ?? '' }).older, [], 'a certificate is no CA');
});
