import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generatedDocuments } from '../../../src/docs/documents.ts';

const ROOT = join(import.meta.dirname, '../../..');

test('the generated documents are what is committed', async () => {
  const documents = await generatedDocuments();
  assert.ok(documents.size >= 3);
  for (const [path, text] of documents) {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), text, `${path} is stale: npm run docs`);
  }
});
