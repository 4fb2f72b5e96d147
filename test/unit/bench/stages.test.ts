import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { V8_FLAGS } from '../../../src/runtime/run-webhook.ts';
import { stages, WEBHOOK_OPTIONS } from '../../bench/webhook/stages.ts';

test('the stages run with the heap and the flags of a webhook, and Node knows each of them', () => {
  // What it does not know, the webhook would set without a word, and Node refuses as an option.
  const script = 'JSON.stringify([process.execArgv, v8.getHeapStatistics().heap_size_limit])';
  const printed = execFileSync(process.execPath, [...WEBHOOK_OPTIONS, '--print', script], {
    encoding: 'utf8',
  });
  const [options, heap] = JSON.parse(printed) as [string[], number];
  for (const flag of V8_FLAGS) assert.ok(options.includes(flag), flag);
  assert.ok(heap < 256 * 2 ** 20, `a heap of ${heap} bytes`);
});

test('each stage has a cost', async () => {
  const { usual, first } = await stages(20);
  assert.deepEqual(
    [Object.keys(usual), Object.keys(first)],
    [
      ['parse', 'decide', 'look up', 'encode'],
      ['edits', 'patch'],
    ],
  );
  // The other two are differences of what was measured, and may come out below zero.
  for (const stage of ['look up', 'edits'] as const)
    assert.ok(Number.isFinite({ ...usual, ...first }[stage]), stage);
  const { parse, decide, encode } = usual;
  for (const [stage, cost] of Object.entries({ parse, decide, encode, patch: first.patch }))
    assert.ok(cost > 0, `${stage}: ${cost}`);
});
