/** Commands of the README, which the suite runs word for word. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const README = join(import.meta.dirname, '../../../README.md');

/** The commands of each shell block under that heading, with their lines joined and without comments. */
export function commandsUnder(
  heading: string,
  text = readFileSync(README, 'utf8'),
): readonly (readonly string[])[] {
  const [, section = ''] = text.split(`\n## ${heading}\n`);
  const [own = ''] = section.split('\n## ');
  return [...own.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.replace(/(?:^|\s+)#.*$/, '').trim())
      .filter((line) => line !== ''),
  );
}
