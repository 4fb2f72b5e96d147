/** Tandem as its image has it, for tests that start it often: it starts with half of the work that its sources take. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const FOLDER = join(ROOT, 'dist');
const SOURCES = ['bin', 'src', 'dev', 'deploy/image', 'package-lock.json'];
const PREFIX = 'of-tests-';
const DAY = 24 * 60 * 60 * 1000;

/** The program to give to Node. It is built by the first test after a change of the sources. */
export const TANDEM = join(await bundleOf(stamp()), 'tandem.js');

async function bundleOf(version: string): Promise<string> {
  const folder = join(FOLDER, `${PREFIX}${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(FOLDER, { recursive: true });
  const aside = mkdtempSync(join(FOLDER, PREFIX));
  const { bundle } = await import('../../../deploy/image/bundle.ts');
  await bundle(aside);
  // Some tests run it as another user.
  chmodSync(aside, 0o755);
  try {
    renameSync(aside, folder);
  } catch {
    // Another test was faster.
    rmSync(aside, { recursive: true });
  }
  for (const old of oldOnes()) rmSync(old, { recursive: true, force: true });
  return folder;
}

/** Of the names, sizes and times of what a bundle is made of. */
function stamp(): string {
  const hash = createHash('sha256');
  for (const path of SOURCES.flatMap(filesOf)) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

function filesOf(source: string): readonly string[] {
  const path = join(ROOT, source);
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** Bundles that no test can be using any more. */
function oldOnes(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(FOLDER, name))
    .filter(
      (folder) => Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > DAY,
    );
}
