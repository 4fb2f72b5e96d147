import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { jsonTexts, writeAll } from '../../../src/cli/write-all.ts';

const values: readonly Readonly<Record<string, unknown>>[] = [
  { a: [], b: [{ c: 1, d: ['x\n', {}] }, 'y'], e: { f: [1] }, g: undefined, h: null, i: 0 },
  { 'k"\n': 'v' },
];
for (const value of values)
  test(`in pieces it is the JSON that it would be as a whole: ${JSON.stringify(value)}`, () => {
    assert.equal([...jsonTexts(value)].join(''), `${JSON.stringify(value, undefined, 2)}\n`);
  });

test('a slow reader gets all of it, and is waited for', async () => {
  let taken = 0;
  let ahead = 0;
  const slow = new Writable({
    highWaterMark: 1024,
    write: (chunk: Buffer, _encoding, done) => {
      taken += chunk.byteLength;
      setImmediate(done);
    },
  });
  const texts = function* (): Generator<string> {
    for (let row = 0; row < 100_000; row += 1) {
      ahead = Math.max(ahead, row * 10 - taken);
      yield '123456789\n';
    }
  };
  await writeAll(slow, texts());
  await new Promise<void>((resolve) => {
    slow.end(resolve);
  });
  assert.equal(taken, 1_000_000);
  assert.ok(ahead < 200_000, `${ahead} bytes are held`);
});

test('a reader that has gone ends it', async () => {
  let asked = 0;
  const gone = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => done(new Error('EPIPE')),
  });
  gone.on('error', () => undefined);
  const texts = function* (): Generator<string> {
    for (; asked < 1_000_000; asked += 1) yield 'x'.repeat(100);
  };
  await writeAll(gone, texts());
  assert.ok(asked < 10_000, `${asked} rows`);
});
