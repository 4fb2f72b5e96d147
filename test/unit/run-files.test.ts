import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestedFiles } from '../run-files.ts';

const SUITE = { files: 'test/*.ts', longestFirst: ['test/together', 'test/run-files'] };
const names = (suite: string): string => `test/unit/${suite}.test.ts`;

test('files that take long come first, in their order, and then the others by name', () => {
  const files = ['interruption', 'real/parts', 'run-files', 'cluster/claim'].map(names);
  const longestFirst = ['unit/run-files', 'of-another-suite', 'real/parts'];
  assert.deepEqual(requestedFiles(files, { ...SUITE, longestFirst }), [
    names('run-files'),
    names('real/parts'),
    names('cluster/claim'),
    names('interruption'),
  ]);
});

test('without arguments all files are asked for', () => {
  const all = requestedFiles([], SUITE);
  assert.ok(all.includes('test/run.ts'), String(all));
});

test('what names no file is told, and so is a flag that is none', () => {
  assert.equal(requestedFiles(['test/*.ts', 'nowhere'], SUITE), 'nowhere: no such file');
  assert.match(String(requestedFiles(['--fast'], SUITE)), /--fast/);
  assert.equal(requestedFiles(['-h'], SUITE), 'help');
});
