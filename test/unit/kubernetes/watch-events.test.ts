import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareVersions } from '../../../src/kubernetes/resource-entry.ts';
import { watchEvents, type WatchEvent } from '../../../src/kubernetes/watch-events.ts';

async function eventsOf(chunks: readonly string[]): Promise<WatchEvent[]> {
  const source = (async function* () {
    yield* chunks;
  })();
  const events: WatchEvent[] = [];
  for await (const event of watchEvents(source)) events.push(event);
  return events;
}

test('events are the same wherever the chunks are cut', async () => {
  const names = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(names, fc.array(fc.nat(300)), async (each, cuts) => {
      const text = each.map((name) => `${JSON.stringify({ type: 'ADDED', object: { name } })}\n`).join('');
      const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b)];
      const chunks = places.map((place, index) => text.slice(place, places[index + 1]));
      assert.deepEqual(
        await eventsOf(chunks),
        each.map((name) => ({ kind: 'added', object: { name } })),
      );
    }),
  );
});

test('a line without end is given up before it fills the memory', async () => {
  const chunk = 'x'.repeat(1024 * 1024);
  await assert.rejects(eventsOf(Array.from({ length: 20 }, () => chunk)), /has no end/);
});

const orders: readonly [string, string, number | undefined][] = [
  ['9', '10', -1],
  ['10', '9', 1],
  ['10', '10', 0],
  ['99999999999999999998', '99999999999999999999', -1],
  ['a', 'a', 0],
  ['a', 'b', undefined],
];
for (const [a, b, order] of orders) {
  test(`version ${a} against ${b}: ${order ?? 'unknown'}`, () => {
    const found = compareVersions(a, b);
    assert.equal(found === undefined ? undefined : Math.sign(found), order);
  });
}
