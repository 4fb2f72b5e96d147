/** The manifests that a command line names, read and written. */
import { randomUUID } from 'node:crypto';
import { chmod, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { TandemError } from '../support/errors.ts';
import { readInput } from './read-input.ts';

export type ManifestFile = { readonly path: string; readonly text: string };

const SUFFIX = /\.(?:ya?ml|json)$/;

/** Files as named; folders with every .yaml, .yml and .json in them, sorted, and no deeper, as kubectl reads them; standard input for `-` or nothing. */
export async function readManifests(operands: readonly string[], stdin: Readable): Promise<ManifestFile[]> {
  const paths = await Promise.all((operands.length === 0 ? ['-'] : operands).map(expand));
  return Promise.all(paths.flat().map(async (path) => ({ path, text: await readInput(path, stdin) })));
}

async function expand(operand: string): Promise<string[]> {
  if (operand === '-') return [operand];
  try {
    if (!(await stat(operand)).isDirectory()) return [operand];
    const names = await readdir(operand);
    return names
      .filter((name) => SUFFIX.test(name))
      .toSorted()
      .map((name) => join(operand, name));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason';
    throw new TandemError('TANDEM_FILE_UNREADABLE', `cannot read ${operand}: ${reason}`, cause);
  }
}

/** Several texts as one stream of YAML documents; a single one stays as it is. */
export function joinManifests(texts: readonly string[]): string {
  return texts.reduce((joined, text, index) => {
    if (index === 0) return text;
    const lineEnd = joined === '' || joined.endsWith('\n') ? '' : '\n';
    return joined + lineEnd + (startsDocument(text) ? '' : '---\n') + text;
  }, '');
}

/** True when the first line that is no comment opens a document itself. */
function startsDocument(text: string): boolean {
  return /^(?:#.*\r?\n|\r?\n)*---(?:\s|$)/.test(text);
}

/** A reader sees the old file or the new one. @throws TandemError TANDEM_FILE_UNWRITABLE, the old file stays */
export async function writeManifest(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const mode = await stat(path).then(
      (found) => found.mode & 0o777,
      () => 0o644,
    );
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(temporary, mode);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const reason = cause instanceof Error ? cause.message : 'unknown reason';
    throw new TandemError('TANDEM_FILE_UNWRITABLE', `cannot write ${path}: ${reason}`, cause);
  }
}
