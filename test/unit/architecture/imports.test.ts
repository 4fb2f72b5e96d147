import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folderRules, startLight } from './folder-rules.ts';
import {
  arrows,
  circles,
  countImports,
  importsOf,
  loadedBy,
  violations,
  type SourceFile,
} from './import-rules.ts';

const ROOT = join(import.meta.dirname, '../../..');
const files: readonly SourceFile[] = ['src', 'dev'].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({
      path: top === 'src' ? path : `${top}/${path}`,
      text: readFileSync(join(ROOT, top, path), 'utf8'),
    })),
);

test('no source breaks a rule, and the check has seen them', () => {
  assert.deepEqual(violations(files), []);
  assert.ok(files.length > 250, `${files.length} files`);
  assert.ok(countImports(files) > 1500, `${countImports(files)} imports`);
});

test('every row of the table is a folder that has files, and names only such folders', () => {
  const used = new Set(
    files.map(({ path }) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.')),
  );
  for (const [folder, { imports }] of Object.entries(folderRules))
    for (const named of [folder, ...imports]) assert.ok(used.has(named), `${folder}: ${named}`);
});

test('every arrow of the table is used', () => {
  const used = arrows(files);
  const unused = Object.entries(folderRules).flatMap(([folder, { imports }]) =>
    imports.map((to) => `${folder} → ${to}`).filter((arrow) => !used.has(arrow)),
  );
  assert.deepEqual(unused, []);
});

test('every form of import is seen', () => {
  const text = `
    import a from 'a'; import { b,
      c } from './b.ts'; import type { D } from 'd'; import 'e'; export { f } from 'f';
    const g = await import('./g.ts'); // import 'h'
    /* import 'i' */`;
  const found = importsOf(text);
  assert.deepEqual(
    found.map(({ specifier }) => specifier),
    ['a', './b.ts', 'd', 'e', 'f', './g.ts'],
  );
  assert.deepEqual(
    found.filter(({ isTypeOnly }) => isTypeOnly).map(({ specifier }) => specifier),
    ['d'],
  );
  assert.deepEqual(
    found.filter(({ isDynamic }) => isDynamic).map(({ specifier }) => specifier),
    ['./g.ts'],
  );
});

for (const [folder, rule] of Object.entries(folderRules)) {
  const path = folder === '.' ? 'planted.ts' : `${folder}/planted.ts`;
  const up = folder === '.' ? './' : '../'.repeat(folder.split('/').length);
  const forbidden = Object.keys(folderRules).filter((to) => to !== folder && !rule.imports.includes(to));

  test(`planted in ${folder}: each folder that its row does not name is refused`, () => {
    assert.ok(forbidden.length > 0);
    for (const to of forbidden) {
      const target = `${up}${to === '.' ? '' : `${to}/`}x.ts`;
      for (const text of [
        `import type { X } from '${target}';`,
        `export { x } from '${target}';`,
        `const x = await import('${target}');`,
      ])
        assertFound(path, text, /may not import/);
    }
  });

  test(`planted in ${folder}: a row ${rule.isPure ? 'without' : 'with'} I/O`, () => {
    const used = [
      "import { readFileSync } from 'node:fs';",
      "const { get } = await import('node:http');",
      'const a = Date.now();',
      'const a = new Date();',
      'const a = process.env;',
      'console.log();',
      'setTimeout(x, 1);',
    ];
    for (const text of used)
      if (rule.isPure) assertFound(path, text, /in a pure folder|a pure folder has no/);
      else assert.deepEqual(violations([{ path, text }]), []);
  });
}

const planted: readonly [string, string, string, RegExp][] = [
  [
    'an edge in the loops',
    'controllers/x.ts',
    "import { a } from '../kubernetes/system-clock.ts';",
    /may not import kubernetes/,
  ],
  ['I/O in the loops', 'controllers/x.ts', "import { readFile } from 'node:fs/promises';", /I\/O in a pure/],
  ['a clock in the loops', 'controllers/x.ts', 'const a = Date.now();', /a pure folder has no process/],
  [
    'the loops in the catalog',
    'catalog/mesh/x.ts',
    "import { a } from '../../controllers/drift.ts';",
    /may not import controllers/,
  ],
  ['a new folder', 'brand-new/x.ts', "import { a } from '../cli/command.ts';", /brand-new has no row/],
  ['a new folder in a known one', 'catalog/more/x.ts', '', /catalog\/more has no row/],
  ['fastify elsewhere', 'cli/x.ts', "import { fastify } from 'fastify';", /only http imports it/],
  ['pino elsewhere', 'certificates/x.ts', "import { pino } from 'pino';", /only telemetry imports it/],
  ['prom-client elsewhere', 'cli/x.ts', "import { Gauge } from 'prom-client';", /only telemetry imports it/],
  [
    'selfsigned elsewhere',
    'http/x.ts',
    "import { generate } from 'selfsigned';",
    /only certificates imports it/,
  ],
  [
    'a package that only tests have',
    'certificates/x.ts',
    "import { build } from 'esbuild';",
    /no dependency of the program/,
  ],
  [
    'client-node by value',
    'catalog/mesh/x.ts',
    "import { KubeConfig } from '@kubernetes/client-node';",
    /only kubernetes imports it/,
  ],
  ['undici elsewhere', 'dev/embedded/x.ts', "import { Pool } from 'undici';", /only consul imports it/],
  [
    'dns-packet elsewhere',
    'consul/x.ts',
    "import { encode } from 'dns-packet';",
    /only dev\/embedded imports it/,
  ],
  ['main', 'cli/x.ts', "import { main } from '../main.ts';", /nothing imports main/],
  ['a vague name', 'inject/utils.ts', '', /one concept/],
];

for (const [what, path, text, message] of planted)
  test(`planted: ${what} is found`, () => assertFound(path, text, message));

test('types of a package are welcome everywhere', () => {
  assert.deepEqual(
    violations([{ path: 'inject/x.ts', text: "import type { V1Pod } from '@kubernetes/client-node';" }]),
    [],
  );
});

test('no files import each other in a circle', () => {
  assert.deepEqual(circles(files), []);
  for (const back of [
    "import { a } from './a.ts';",
    "const a = await import('./a.ts');",
    "import type { A } from './a.ts';",
    "export type { A } from './a.ts';",
  ]) {
    const circle = [
      { path: 'inject/a.ts', text: "import { b } from './b.ts';" },
      { path: 'inject/b.ts', text: back },
    ];
    assert.deepEqual(circles(circle), [['inject/a.ts', 'inject/b.ts']], back);
  }
});

test('what starts without a kubeconfig does not load the client of Kubernetes, nor what makes CAs', () => {
  const heavy = '@kubernetes/client-node';
  // 160 ms of CPU and 23 MB.
  const caMaker = 'selfsigned';
  const makers = ['cli/certs-command.ts', 'cli/dev-command.ts'];
  assert.ok(loadedBy('kubernetes/kubeconfig.ts', files).has(heavy), 'the check sees who does');
  for (const entry of makers) assert.ok(loadedBy(entry, files).has(caMaker), entry);
  for (const entry of startLight) {
    const loaded = loadedBy(entry, files);
    assert.ok(loaded.size > 1, `${entry} loads ${loaded.size} modules`);
    assert.ok(!loaded.has(heavy), entry);
    assert.ok(!loaded.has(caMaker) || makers.includes(entry), `${entry} loads ${caMaker}`);
  }
});

function assertFound(path: string, text: string, message: RegExp): void {
  const found = violations([{ path, text }]);
  assert.equal(found.length, 1, `${text}\n${found.join('\n')}`);
  assert.match(found[0] ?? '', message);
}

test('no file name is there twice in src', () => {
  const names = files
    .filter(({ path }) => !path.startsWith('dev/'))
    .map(({ path }) => path.split('/').at(-1));
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

test('an exported name has one meaning in src', () => {
  const pattern = /^export (?:async )?(?:type|const|function\*?) (\w+)/gm;
  const exported = files
    .filter(({ path }) => !path.startsWith('dev/') && !path.endsWith('.d.ts'))
    .flatMap(({ text }) => [...text.matchAll(pattern)].map(([, name]) => name ?? ''));
  assert.ok(exported.length > 500, `${exported.length} names`);
  const twice = exported.filter((name, index) => exported.indexOf(name) !== index);
  assert.deepEqual(twice, []);
});
