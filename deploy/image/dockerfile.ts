/** What the Dockerfile says, for tests and benchmarks that do the same without an engine of containers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Instruction = { readonly name: string; readonly text: string };

/** The instructions of each stage, with their lines joined and without comments. */
export async function stages(): Promise<readonly (readonly Instruction[])[]> {
  const source = await readFile(join(import.meta.dirname, '../../Dockerfile'), 'utf8');
  const lines = source
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  const found: Instruction[][] = [];
  for (const line of lines) {
    const [, name, text = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    if (name === 'FROM') found.push([]);
    found.at(-1)?.push({ name, text });
  }
  return found;
}

/** The options that the image gives to Node. */
export async function nodeOptions(): Promise<string[]> {
  const image = (await stages()).at(-1) ?? [];
  const environment = image.filter(({ name }) => name === 'ENV').map(({ text }) => text);
  const [, options] = /^NODE_OPTIONS="(.*)"$/.exec(environment[0] ?? '') ?? [];
  if (options === undefined) throw new Error('the Dockerfile has no ENV NODE_OPTIONS');
  return options.split(' ');
}
