/**
 * One folder a case: input.yaml holds flags, request and pod; expected.yaml what comes out of it, or expected.diff what
 * differs from the case that it names as its base. UPDATE_GOLDEN=1 writes the expected files.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTwoFilesPatch } from 'diff';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { parse, stringify } from 'yaml';
import { injectFlags, injectSettings } from '../../src/config/inject-settings.ts';
import { parseFlags } from '../../src/config/parse-flags.ts';
import { inject } from '../../src/inject/inject.ts';
import { uninject } from '../../src/inject/uninject.ts';

type Case = {
  readonly base?: string;
  readonly flags?: readonly string[];
  readonly native?: boolean;
  readonly kind?: string;
  readonly operation?: string;
  readonly namespace?: string;
  readonly pod: unknown;
};

const here = import.meta.dirname;
const update = process.env['UPDATE_GOLDEN'] === '1';
const names = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

test('there are golden cases', () => assert.ok(names.length > 60, `${names.length} cases`));

for (const name of names) {
  test(`golden: ${name}`, () => {
    const input = readCase(name);
    const outcome = render(input);
    if (input.base === undefined) return expectFile(name, 'expected.yaml', outcome);
    const base = render(readCase(input.base));
    return expectFile(name, 'expected.diff', createTwoFilesPatch(input.base, name, base, outcome, '', '', { context: 2 }));
  });
}

function readCase(name: string): Case {
  return parse(readFileSync(join(here, name, 'input.yaml'), 'utf8')) as Case;
}

function render(input: Case): string {
  const { flags = [], native = true, kind = 'v1/Pod', operation = 'CREATE', namespace = 'default', pod } = input;
  const parsed = parseFlags(injectFlags, flags, {});
  assert.ok(parsed.ok);
  const settings = injectSettings(parsed.values, { version: '0.0.0', nativeSidecar: native, ownNamespace: 'tandem' });
  const result = inject({ kind, operation, namespace, object: pod }, settings);
  if (result.kind !== 'inject') return stringify(result);
  const { patch, ...rest } = result;
  const injected: unknown = jsonPatch.applyPatch(structuredClone(pod), patch as Operation[], true, false).newDocument;
  const back = uninject(injected);
  assert.equal(back.kind, 'uninject');
  assert.deepEqual(jsonPatch.applyPatch(structuredClone(injected), back.patch as Operation[], true, false).newDocument, pod);
  return stringify({ ...rest, pod: injected }, { lineWidth: 0, aliasDuplicateObjects: false });
}

function expectFile(name: string, file: string, actual: string): void {
  const path = join(here, name, file);
  if (update) {
    for (const other of ['expected.yaml', 'expected.diff']) rmSync(join(here, name, other), { force: true });
    writeFileSync(path, actual);
  }
  assert.ok(existsSync(path), `${path} is missing; UPDATE_GOLDEN=1 npm test writes it`);
  assert.equal(actual, readFileSync(path, 'utf8'), `${path} is stale; look at the difference, then UPDATE_GOLDEN=1 npm test`);
}
