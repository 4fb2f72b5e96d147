import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../../../src/cli/commands.ts';
import { commandHelp } from '../../../src/cli/help.ts';
import { generatedDocuments } from '../../../src/docs/documents.ts';

const ROOT = join(import.meta.dirname, '../../..');

test('the generated documents are what is committed', async () => {
  const documents = await generatedDocuments();
  assert.ok(documents.size >= 3);
  for (const [path, text] of documents) {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), text, `${path} is stale: npm run docs`);
  }
});

test('the help of every command fits a screen and has an example', async () => {
  for (const [name, { load }] of Object.entries(commands)) {
    const lines = commandHelp(await load()).split('\n');
    assert.ok(lines.length <= 40, `${name}: ${lines.length} lines`);
    assert.ok(
      lines.every((line) => line.length <= 140),
      `${name}: ${lines.find((line) => line.length > 140)}`,
    );
    assert.ok(
      lines.some((line) => line.startsWith(`  tandem ${name} `)),
      name,
    );
  }
});
