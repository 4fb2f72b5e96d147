/** The manifests that a command line names, read and written. */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { reasonOf, TandemError } from '../support/errors.ts';

export type ManifestFile = {
  readonly path: string;
  /** Below an output folder: the path below the folder that was named, or the file's own name. */
  readonly name: string;
  readonly text: string;
};

type Named = Omit<ManifestFile, 'text'>;

const SUFFIX = /\.(?:ya?ml|json)$/;

/**
 * Files as named; folders with every .yaml, .yml and .json below them, sorted; standard input for `-` or nothing.
 *
 * @throws TandemError TANDEM_FILE_UNREADABLE
 */
export async function readManifests(operands: readonly string[], stdin: Readable): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const operand of operands.length === 0 ? ['-'] : operands) {
    // One after the other: a folder may hold more files than a process may open.
    for (const named of await expand(operand)) {
      files.push({ ...named, text: await readInput(named.path, stdin) });
    }
  }
  return files;
}

// Bytes that are no UTF-8 would come out as others; a byte order mark is part of the text.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Standard input for `-`. */
async function readInput(file: string, stdin: Readable): Promise<string> {
  try {
    return decoder.decode(file === '-' ? await buffer(stdin) : await readFile(file));
  } catch (cause) {
    throw new TandemError(
      'TANDEM_FILE_UNREADABLE',
      `cannot read ${placeName({ path: file })}: ${reasonOf(cause)}`,
      cause,
    );
  }
}

async function expand(operand: string): Promise<Named[]> {
  if (operand === '-') return [{ path: '-', name: '-' }];
  const found = await filesOf(operand);
  if (found.length > 0) return found;
  throw new TandemError('TANDEM_FILE_UNREADABLE', `${operand}: no .yaml, .yml or .json file in it`);
}

async function filesOf(operand: string): Promise<Named[]> {
  try {
    if (!(await stat(operand)).isDirectory()) return [{ path: operand, name: basename(operand) }];
    const entries = await readdir(operand, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && SUFFIX.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted()
      .map((path) => ({ path, name: relative(operand, path) }));
  } catch (cause) {
    throw new TandemError('TANDEM_FILE_UNREADABLE', `cannot read ${operand}: ${reasonOf(cause)}`, cause);
  }
}

/** Its name in messages. */
export function placeName({ path }: { readonly path: string }): string {
  return path === '-' ? '<stdin>' : path;
}

/** Why nothing can be read: without operands, manifests come from standard input, which is a terminal. */
export function stdinProblem(operands: readonly string[], stdin: Readable): string | undefined {
  const isTerminal = 'isTTY' in stdin && stdin.isTTY === true;
  return operands.length === 0 && isTerminal
    ? 'no manifests: name files or folders, or pipe manifests in'
    : undefined;
}

/** Several texts as one stream of YAML documents; a single one stays as it is. */
export function joinManifests(texts: readonly string[]): string {
  return texts.reduce((joined, text) => {
    if (joined === '' || text === '') return joined + text;
    // Legal only where a stream starts.
    const next = text.replace(/^\uFEFF/, '');
    return joined + (joined.endsWith('\n') ? '' : '\n') + markBefore(next) + next;
  }, '');
}

/** The separator between two documents: a directive (`%YAML`) needs the end of the previous document. */
function markBefore(text: string): string {
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  if (first.startsWith('%')) return '...\n';
  return /^---(?:\s|$)/.test(first) ? '' : '---\n';
}

/** True when manifests are to be written below this path instead of into it. */
export async function isFolder(path: string): Promise<boolean> {
  return path.endsWith('/') || (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/**
 * Writes all or none: a reader of a file sees the old text or the new one, and if one cannot be written, all stay.
 *
 * @throws TandemError TANDEM_FILE_UNWRITABLE
 */
export async function writeManifests(
  files: readonly { readonly path: string; readonly text: string }[],
): Promise<void> {
  const staged: { readonly temporary: string; readonly target: string }[] = [];
  let path = '';
  try {
    for (const file of files) {
      path = file.path;
      await mkdir(dirname(path), { recursive: true });
      // A link stays a link: what it points to is written.
      const target = await realpath(path).catch(() => path);
      const temporary = `${target}.${randomUUID()}.tmp`;
      staged.push({ temporary, target });
      await writeWhole(temporary, file.text, await modeOf(target));
    }
    for (const { temporary, target } of staged) {
      path = target;
      await rename(temporary, target);
    }
  } catch (cause) {
    throw new TandemError('TANDEM_FILE_UNWRITABLE', `cannot write ${path}: ${reasonOf(cause)}`, cause);
  } finally {
    await Promise.all(staged.map(({ temporary }) => rm(temporary, { force: true })));
  }
}

/** @throws Error where a folder is in the place of the file, which only the last step would find out */
async function modeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) throw new Error('a folder is in its place');
  return found === undefined ? 0o644 : found.mode & 0o777;
}

async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  // The mode of open is narrowed by the umask.
  await chmod(path, mode);
}
