/** `npm run docs`: writes the generated documents. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generatedDocuments } from './documents.ts';

const ROOT = join(import.meta.dirname, '../..');
for (const [path, text] of await generatedDocuments()) {
  await mkdir(dirname(join(ROOT, path)), { recursive: true });
  await writeFile(join(ROOT, path), text);
}
