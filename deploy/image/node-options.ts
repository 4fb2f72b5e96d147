/** The options that the image gives to Node, read from the Dockerfile, so that tests and benchmarks run what ships. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function nodeOptions(): Promise<string[]> {
  const dockerfile = await readFile(join(import.meta.dirname, '../../Dockerfile'), 'utf8');
  const words = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
  if (words[0] !== 'node') throw new Error('the Dockerfile has no ENTRYPOINT that starts with node');
  return words.filter((word) => word.startsWith('--'));
}
