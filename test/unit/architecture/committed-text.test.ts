/** What no committed file may hold: the host of a package registry, or a path of somebody's machine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../../..');
// Put together here, so that this file does not hold them itself.
const FORBIDDEN = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['proxy', 'golang', 'org'],
  ['pypi', 'org'],
  ['deb', 'debian', 'org'],
  ['crates', 'io'],
  ['docker', 'io'],
].map((parts) => parts.join('.'));
const FORBIDDEN_PATHS = ['/root', '/home'].map((path) => `${path}/`);

test('no committed file names a registry or a path of a machine', () => {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '');
  assert.ok(files.length > 100, `${files.length} files`);
  const found = files.flatMap((path) => {
    const text = existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : '';
    return [...FORBIDDEN, ...FORBIDDEN_PATHS]
      .filter((word) => text.includes(word))
      .map((word) => `${path}: ${word}`);
  });
  assert.deepEqual(found, []);
});
