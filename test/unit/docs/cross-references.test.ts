/** The documents agree with each other and with package.json: links, commands, and the policies of Consul's tokens. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../../..');
const FILES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'examples/README.md',
  'deploy/manifests/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The fragments that GitHub gives the headings of a document. */
function anchorsOf(file: string): ReadonlySet<string> {
  const prose = read(file).replaceAll(/^```[^]*?^```/gm, '');
  const titles = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title);
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Links that lead nowhere. */
function brokenLinks(file: string, text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : relative(ROOT, join(ROOT, dirname(file), path));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    })
    .map((link) => `${file}: ${link}`);
}

test('every link in the documents leads somewhere', () => {
  assert.deepEqual(
    FILES.flatMap((file) => brokenLinks(file, read(file))),
    [],
  );
});

test('planted: a link to no file, and one to no heading', () => {
  const text =
    '[a](nothing.md) [b](install.md#no-such-heading) [c](install.md#priority) [d](https://example.com)';
  assert.deepEqual(brokenLinks('docs/registrar.md', text), [
    'docs/registrar.md: nothing.md',
    'docs/registrar.md: install.md#no-such-heading',
  ]);
});

test('every npm script that the documents name exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };
  const named = FILES.flatMap((file) =>
    [...read(file).matchAll(/npm run (?:-s )?([a-z][a-z:]*)/g)].map(([, script = '']) => ({ file, script })),
  );
  assert.ok(named.length >= 15, `${named.length} commands`);
  assert.deepEqual(
    named.filter(({ script }) => !(script in scripts)),
    [],
  );
});

const RULE = /\b(?:node|service)(?:_prefix)? "[^"]*" \{ policy = "\w+" \}|acl = "write"/g;

/** Names of owners and prefixes stand for each other. */
function rulesIn(text: string): string[] {
  return [...text.matchAll(RULE)].map(([rule]) =>
    rule.replace('<owner>', 'east').replace('service_prefix "<prefix>"', 'service_prefix ""'),
  );
}

test('the rules for tokens in other documents are those of docs/install.md, which are tested against Consul', () => {
  const [, section = ''] = read('docs/install.md').split('### The policy of the token');
  const known = new Set(rulesIn(section.split('\n### ')[0] ?? ''));
  assert.ok(known.size >= 6, [...known].join('\n'));
  for (const file of ['docs/registrar.md', 'docs/security.md', 'docs/to-kubernetes.md']) {
    const found = rulesIn(read(file)).filter((rule) => !rule.includes('-virtual'));
    assert.ok(found.length > 0, file);
    assert.deepEqual(
      found.filter((rule) => !known.has(rule)),
      [],
      file,
    );
  }
});
