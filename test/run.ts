/**
 * Runs test files with few processes: `node test/run.ts <options> <patterns>`. Options go to `node --test`, but for
 * `--shares=n`: so many processes have the files among them.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const { values, tokens } = parseArgs({
  options: { shares: { type: 'string', default: '1' } },
  strict: false,
  allowPositionals: true,
  tokens: true,
});
const patterns = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
const passed = tokens.flatMap((token) =>
  token.kind === 'option' && token.name !== 'shares'
    ? [[token.rawName, token.value].filter((each) => each !== undefined).join('=')]
    : [],
);
const files = globSync(patterns, { cwd: ROOT })
  .toSorted()
  .map((file) => join(ROOT, file));
if (files.length === 0) throw new Error(`no test files: ${patterns.join(' ')}`);

/** What a file of integration and property tests takes, where one of unit tests takes 1: 4 s and 1 s on average. */
const SLOW = 4;

/** A folder's files share most, so they are in one share; the longer folders are given out first. */
function sharesOf(all: readonly string[], count: number): readonly (readonly string[])[] {
  const made = Array.from({ length: count }, (): string[] => []);
  const folders = [...Map.groupBy(all, (file) => dirname(file)).values()];
  for (const folder of folders.toSorted((one, other) => lengthOf(other) - lengthOf(one)))
    made.toSorted((one, other) => lengthOf(one) - lengthOf(other))[0]?.push(...folder);
  return made.filter((share) => share.length > 0);
}

function lengthOf(some: readonly string[]): number {
  return some.reduce((sum, file) => sum + (/\/test\/(?:integration|property)\//.test(file) ? SLOW : 1), 0);
}

mkdirSync(join(ROOT, 'dist'), { recursive: true });
const folder = mkdtempSync(join(ROOT, 'dist/tests-'));
try {
  const entries = sharesOf(files, Number(values.shares)).map((share, nth) => {
    const entry = join(folder, `share-${nth + 1}.ts`);
    const list = JSON.stringify(share, undefined, 2);
    writeFileSync(
      entry,
      `import { runTogether } from '../../test/together.ts';\nawait runTogether(${list});\n`,
    );
    return entry;
  });
  const { status } = spawnSync(process.execPath, ['--test', ...passed, ...entries], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
