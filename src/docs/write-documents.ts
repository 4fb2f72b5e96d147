/** `npm run docs`: writes the generated documents. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generatedDocuments } from './documents.ts';

const ROOT = join(import.meta.dirname, '../..');
for (const [path, text] of await generatedDocuments()) await writeFile(join(ROOT, path), text);
