import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { PARTS, readArguments, USAGE } from '../../bench/arguments.ts';

const MAIN = new URL('../../bench/main.ts', import.meta.url).pathname;

function bench(...args: readonly string[]) {
  // A bench that starts all the same does not hold up the test.
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  return { status, stdout, stderr };
}

test('--help prints the usage and measures nothing', () => {
  assert.deepEqual(bench('--help'), { status: 0, stdout: USAGE, stderr: '' });
});

test('an unknown flag is refused with the usage and exit code 2', () => {
  const { status, stdout, stderr } = bench('--quick');
  assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
  assert.match(stderr, /--quick/);
  assert.ok(stderr.endsWith(USAGE));
});

test('a part that is not there is refused, and so is an argument that is no flag', () => {
  assert.equal(readArguments(['--only=webhooks']), '--only=webhooks: no such part');
  assert.equal(typeof readArguments(['webhook']), 'string');
  assert.equal(typeof readArguments(['--short=1']), 'string');
});

test('every part can be asked for alone', () => {
  for (const part of PARTS)
    assert.deepEqual(readArguments([`--only=${part}`, '--short']), { help: false, short: true, only: part });
  assert.deepEqual(readArguments([]), { help: false, short: false, only: undefined });
});
