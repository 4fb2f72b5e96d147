/** docs/architecture.md shows the house as it is: every path leads somewhere, and its table of folders is that of the rules. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { folderRules } from '../architecture/folder-rules.ts';

const ROOT = join(import.meta.dirname, '../../..');
const document = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));
const known = new Set(tracked.flatMap(withFolders));

function withFolders(path: string): string[] {
  const parent = dirname(path);
  return parent === '.' ? [path] : [path, ...withFolders(parent)];
}

type Named = {
  readonly path: string;
  /** Where it may be: at the root or in the folder of its row; below src, as in the pictures. */
  readonly below: readonly string[];
};

/** With a folder, or the ending of a file; not `/status`, `@kubernetes/client-node`, or `--flag`. */
const PATH =
  /(?<![\w@./<>-])(?:(?:[\w.-]|<[a-z]+>)+\/(?:[\w./-]|<[a-z]+>)*|[\w-]+\.(?:ts|js|json|md|ya?ml|tpl)\b)/g;

function pathsIn(text: string): readonly string[] {
  return text.match(PATH) ?? [];
}

function namedPaths(text: string): Named[] {
  const pictures = [...text.matchAll(/^```\n([^]*?)^```$/gm)].map(([, picture = '']) => picture);
  const lines = text.replaceAll(/^```\n[^]*?^```$/gm, '').split('\n');
  return [
    ...pictures.flatMap(pathsIn).map((path) => ({ path, below: ['src'] })),
    ...lines.flatMap((line) => {
      const [, folder = ''] = /^\| `([^`]+)`/.exec(line) ?? [];
      const spans = [...line.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
      return spans.flatMap(pathsIn).map((path) => ({ path, below: ['', 'src', folder] }));
    }),
  ];
}

function missing(text: string): readonly string[] {
  return namedPaths(text)
    .filter(({ path, below }) => !below.some((folder) => exists(join(folder, path).replace(/\/$/, ''))))
    .map(({ path }) => path);
}

/** `<name>` stands for anything that is there. */
function exists(path: string): boolean {
  const [start = '', end] = path.split(/<[a-z]+>/);
  if (end === undefined) return known.has(path);
  return tracked.some((each) => each.startsWith(start) && each.slice(start.length).endsWith(end));
}

test('every path in the document is there', () => {
  const named = namedPaths(document);
  assert.ok(named.length > 180, `${named.length} paths`);
  assert.deepEqual(missing(document), []);
});

test('planted: paths that are not there', () => {
  const text = [
    'Open `src/cli/none.ts`, `cli/commands.ts`, `/status`, `@kubernetes/client-node` and `src/cli/<name>-command.ts`.',
    '`src/cli/<name>-order.ts` and `none.json`',
    '| folder | kind |',
    '| `src/cli` | `commands.ts`, `inject.ts` |',
    '```',
    'bytes ─▶ inject/decide.ts ─▶ inject/none.ts, none/, src/inject/decide.ts',
    '```',
  ].join('\n');
  assert.deepEqual(missing(text).toSorted(), [
    'inject.ts',
    'inject/none.ts',
    'none.json',
    'none/',
    'src/cli/<name>-order.ts',
    'src/cli/none.ts',
    'src/inject/decide.ts',
  ]);
});

/** Folder → kind, as the table of folders has it. */
const kinds = new Map(
  [...document.matchAll(/^\| `([^`]+)` \| (pure|edge|composition) \|/gm)].map(
    ([, folder = '', kind = '']) => [folder === 'src' ? '.' : folder.replace(/^src\//, ''), kind],
  ),
);

test('the table of folders has the folders of the rules, and is right about which are pure', () => {
  assert.deepEqual([...kinds.keys()].toSorted(), Object.keys(folderRules).toSorted());
  assert.deepEqual(
    Object.entries(folderRules).filter(([folder, { isPure }]) => isPure !== (kinds.get(folder) === 'pure')),
    [],
  );
});

test('an edge imports only pure folders', () => {
  const edges = Object.entries(folderRules).filter(([folder]) => kinds.get(folder) === 'edge');
  assert.ok(edges.length >= 5, `${edges.length} edges`);
  assert.deepEqual(
    edges.flatMap(([folder, { imports }]) =>
      imports.filter((to) => folderRules[to]?.isPure !== true).map((to) => `${folder} → ${to}`),
    ),
    [],
  );
});
