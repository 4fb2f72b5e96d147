/**
 * Runs test files with few processes: `node test/run.ts <options> <patterns>`. Options go to `node --test`, but for
 * `--shares=n`, so many processes have the files among them, and `--alone=<pattern>`, files that have a process each.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const OWN = ['shares', 'alone'];
const { values, tokens } = parseArgs({
  options: { shares: { type: 'string', default: '1' }, alone: { type: 'string', default: '' } },
  strict: false,
  allowPositionals: true,
  tokens: true,
});
const patterns = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
const passed = tokens.flatMap((token) =>
  token.kind === 'option' && !OWN.includes(token.name)
    ? [[token.rawName, token.value].filter((each) => each !== undefined).join('=')]
    : [],
);
const [together, alone] = [filesOf(patterns), filesOf([String(values.alone)])];
if (together.length === 0) throw new Error(`no test files: ${patterns.join(' ')}`);

function filesOf(globs: readonly string[]): readonly string[] {
  return globSync(globs, { cwd: ROOT })
    .toSorted()
    .map((file) => join(ROOT, file));
}

/** A folder's files share most, so they are in one share; the larger folders are given out first. */
function sharesOf(all: readonly string[], count: number): readonly (readonly string[])[] {
  const made = Array.from({ length: count }, (): string[] => []);
  const folders = [...Map.groupBy(all, (file) => dirname(file)).values()];
  for (const folder of folders.toSorted((one, other) => other.length - one.length))
    made.toSorted((one, other) => one.length - other.length)[0]?.push(...folder);
  return made.filter((share) => share.length > 0);
}

mkdirSync(join(ROOT, 'dist'), { recursive: true });
const folder = mkdtempSync(join(ROOT, 'dist/tests-'));
try {
  const entries = sharesOf(together, Number(values.shares)).map((share, nth) => {
    const entry = join(folder, `share-${nth + 1}.ts`);
    const list = JSON.stringify(share, undefined, 2);
    writeFileSync(
      entry,
      `import { runTogether } from '../../test/together.ts';\nawait runTogether(${list});\n`,
    );
    return entry;
  });
  const { status } = spawnSync(process.execPath, ['--test', ...passed, ...entries, ...alone], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
