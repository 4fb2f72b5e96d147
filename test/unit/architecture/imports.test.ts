import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { countImports, importsOf, violations, type SourceFile } from './import-rules.ts';

const SRC = join(import.meta.dirname, '../../../src');

function sources(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(join(SRC, path), 'utf8') }));
}

test('no source breaks a rule, and the check has seen them', () => {
  const files = sources();
  assert.deepEqual(violations(files), []);
  assert.ok(files.length > 60, `${files.length} files`);
  assert.ok(countImports(files) > 200, `${countImports(files)} imports`);
});

test('every form of import is seen', () => {
  const text = `
    import a from 'a'; import { b,
      c } from './b.ts'; import type { D } from 'd'; import 'e'; export { f } from 'f';
    const g = await import('./g.ts'); // import 'h'
    /* import 'i' */`;
  assert.deepEqual(
    importsOf(text).map(({ specifier }) => specifier),
    ['a', './b.ts', 'd', 'e', 'f', './g.ts'],
  );
  assert.deepEqual(
    importsOf(text)
      .filter(({ isTypeOnly }) => isTypeOnly)
      .map(({ specifier }) => specifier),
    ['d'],
  );
});

const planted: readonly [string, string, string, RegExp][] = [
  [
    'an edge in an edge',
    'webhook/x.ts',
    "import { a } from '../telemetry/logger.ts';",
    /an edge imports another edge/,
  ],
  [
    'an edge in a pure folder',
    'inject/x.ts',
    "import type { A } from '../webhook/webhook.ts';",
    /a pure folder imports an edge/,
  ],
  [
    'a dynamic one',
    'admission/x.ts',
    "const a = await import('../consul/client.ts');",
    /a pure folder imports an edge/,
  ],
  ['I/O in a pure folder', 'config/x.ts', "import { readFileSync } from 'node:fs';", /I\/O in a pure folder/],
  ['a clock in a pure folder', 'inject/x.ts', 'const a = Date.now();', /a pure folder has no process/],
  ['the process in a pure folder', 'support/x.ts', 'const a = process.env;', /a pure folder has no process/],
  ['fastify elsewhere', 'cli/x.ts', "import { fastify } from 'fastify';", /only webhook imports it/],
  ['pino elsewhere', 'certificates/x.ts', "import { pino } from 'pino';", /only telemetry imports it/],
  [
    'selfsigned elsewhere',
    'webhook/x.ts',
    "import { generate } from 'selfsigned';",
    /only certificates imports it/,
  ],
  [
    'client-node by value',
    'catalog/x.ts',
    "import { KubeConfig } from '@kubernetes/client-node';",
    /only kubernetes imports it/,
  ],
  ['undici elsewhere', 'embedded/x.ts', "import { Pool } from 'undici';", /only consul imports it/],
  [
    'the client of Consul in the embedded catalog',
    'embedded/x.ts',
    "import { a } from '../consul/client.ts';",
    /an edge imports another edge/,
  ],
  ['dns-packet elsewhere', 'consul/x.ts', "import { encode } from 'dns-packet';", /only embedded imports it/],
  [
    'something below support',
    'support/x.ts',
    "import { a } from '../inject/pod.ts';",
    /nothing is below support/,
  ],
  [
    'cli in another folder',
    'webhook/x.ts',
    "import { a } from '../cli/command.ts';",
    /only main and docs import cli/,
  ],
  ['main', 'cli/x.ts', "import { main } from '../main.ts';", /nothing imports main/],
  ['a vague name', 'inject/utils.ts', '', /one concept/],
];

for (const [what, path, text, message] of planted) {
  test(`planted: ${what} is found`, () => {
    const found = violations([...sources(), { path, text }]);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', message);
  });
}

test('types of client-node are welcome everywhere', () => {
  assert.deepEqual(
    violations([{ path: 'inject/x.ts', text: "import type { V1Pod } from '@kubernetes/client-node';" }]),
    [],
  );
});
