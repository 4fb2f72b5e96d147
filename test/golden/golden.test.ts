/**
 * One folder a case: input.yaml holds flags, request and pod; expected.yaml what comes out of it, or expected.diff what
 * differs from the case that it names as its base. UPDATE_GOLDEN=1 writes the expected files.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTwoFilesPatch } from 'diff';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { stringify } from 'yaml';
import { uninject } from '../../src/inject/uninject.ts';
import { GOLDEN_FOLDER, goldenNames, goldenResult, readGoldenCase, type GoldenCase } from './golden-case.ts';

const update = process.env['UPDATE_GOLDEN'] === '1';
const names = goldenNames();

test('there are golden cases', () => assert.ok(names.length > 60, `${names.length} cases`));

for (const name of names) {
  test(`golden: ${name}`, () => {
    const input = readGoldenCase(name);
    const outcome = render(input);
    if (input.base === undefined) return expectFile(name, 'expected.yaml', outcome);
    const base = render(readGoldenCase(input.base));
    return expectFile(name, 'expected.diff', createTwoFilesPatch(input.base, name, base, outcome, '', '', { context: 2 }));
  });
}

function render(input: GoldenCase): string {
  const { pod } = input;
  const result = goldenResult(input);
  if (result.kind !== 'inject') return stringify(result);
  const { patch, ...rest } = result;
  const injected: unknown = jsonPatch.applyPatch(structuredClone(pod), patch as Operation[], true, false).newDocument;
  const back = uninject(injected);
  assert.equal(back.kind, 'uninject');
  assert.deepEqual(jsonPatch.applyPatch(structuredClone(injected), back.patch as Operation[], true, false).newDocument, pod);
  return stringify({ ...rest, pod: injected }, { lineWidth: 0, aliasDuplicateObjects: false });
}

function expectFile(name: string, file: string, actual: string): void {
  const path = join(GOLDEN_FOLDER, name, file);
  if (update) {
    for (const other of ['expected.yaml', 'expected.diff']) rmSync(join(GOLDEN_FOLDER, name, other), { force: true });
    writeFileSync(path, actual);
  }
  assert.ok(existsSync(path), `${path} is missing; UPDATE_GOLDEN=1 npm test writes it`);
  assert.equal(actual, readFileSync(path, 'utf8'), `${path} is stale; look at the difference, then UPDATE_GOLDEN=1 npm test`);
}
