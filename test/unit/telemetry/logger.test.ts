import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { LogLevel } from '../../../src/support/log-level.ts';
import { createLog, droppedLogLines } from '../../../src/telemetry/logger.ts';

function recorded(level: LogLevel) {
  const writes: string[] = [];
  const log = createLog({ write: (text) => writes.push(text) }, level);
  return { log, writes };
}

test('a line is one JSON object with time, level, message and fields', async () => {
  const { log, writes } = recorded('info');
  log('warn', 'certificate changed', { expires: 'soon', none: undefined });
  await turn();
  const [line = '', ...more] = writes.join('').split('\n');
  assert.deepEqual(more, ['']);
  const { time, ...fields } = JSON.parse(line) as Record<string, unknown>;
  assert.match(String(time), /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/);
  assert.deepEqual(fields, { level: 'warn', msg: 'certificate changed', expires: 'soon' });
});

test('a line break in a value cannot forge a line', async () => {
  const { log, writes } = recorded('info');
  log('info', 'admission', { name: 'a\n{"level":"error"}' });
  await turn();
  assert.equal(writes.join('').trimEnd().split('\n').length, 1);
});

test('lines below the level are not written', async () => {
  const { log, writes } = recorded('warn');
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log(level, level);
  await turn();
  const written = writes.join('').trimEnd().split('\n');
  assert.deepEqual(
    written.map((line) => (JSON.parse(line) as { level: string }).level),
    ['warn', 'error'],
  );
});

test('the lines of one turn are one write, in their order', async () => {
  const { log, writes } = recorded('info');
  for (const message of ['one', 'two', 'three']) log('info', message);
  await turn();
  log('info', 'four');
  await turn();
  assert.deepEqual(
    writes.map((text) => [...text.matchAll(/"msg":"(\w+)"/g)].map(([, message]) => message)),
    [['one', 'two', 'three'], ['four']],
  );
});

test('what nobody takes is dropped and counted, and told when there is room again', async () => {
  const writes: string[] = [];
  const destination = { writableLength: 0, write: (text: string) => writes.push(text) };
  const log = createLog(destination, 'info');
  const before = droppedLogLines();
  destination.writableLength = 1024 * 1024;
  for (let index = 0; index < 5; index += 1) log('info', 'lost');
  await turn();
  assert.deepEqual([writes, droppedLogLines() - before], [[], 5]);
  destination.writableLength = 0;
  log('info', 'again');
  await turn();
  assert.match(writes.join(''), /^\{[^\n]*"lines":5,"msg":"log lines dropped"\}\n\{[^\n]*"again"\}\n$/);
});

test('a write that fails loses its lines, and they count', async () => {
  const before = droppedLogLines();
  const log = createLog({ write: (_text, done) => done(new Error('EPIPE')) }, 'info');
  log('info', 'one');
  log('info', 'two');
  await turn();
  assert.equal(droppedLogLines() - before, 2);
});
