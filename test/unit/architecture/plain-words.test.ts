/** Words that read as translated, or that the field calls otherwise, do not come back into what people read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../../..');
const READ_BY_PEOPLE = ['src', 'dev', 'docs', 'deploy', 'examples', 'README.md', 'CONTRIBUTING.md'];

/** What is found → what to write instead. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bshall\b/i, 'must, should'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix, repair'],
  [/\bservices? of Consul\b/i, 'Consul service'],
  [/\bcannot stand\b/i, 'is invalid'],
  [/\bside by side\b/i, 'at the same time, next to'],
  [/\bis told by\b/i, '… tells you'],
];

function problemsOf(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      WORDS.filter(([word]) => word.test(line)).map(
        ([word, instead]) => `${index + 1}: ${word.exec(line)?.[0]}; write: ${instead}`,
      ),
    );
}

test('what people read has none of the words', () => {
  const files = execFileSync('git', ['ls-files', '-z', ...READ_BY_PEOPLE], { cwd: ROOT, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && !path.endsWith('.png'));
  assert.ok(files.length > 300, `${files.length} files`);
  const found = files.flatMap((path) => {
    const text = existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : '';
    return problemsOf(text).map((problem) => `${path}:${problem}`);
  });
  assert.deepEqual(found, []);
});

test('planted: each word is found, and others that hold it are not', () => {
  for (const text of [
    'It shall be',
    'to mend it',
    'Services of Consul',
    'cannot stand',
    'side by side',
    'is told by',
  ])
    assert.equal(problemsOf(`fine\n${text}`).length, 1, text);
  assert.deepEqual(problemsOf('amendment, marshalled, Consul services, to recommend'), []);
});
