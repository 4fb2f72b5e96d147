/** What a layer holds, and how it is taken from files of the machine. */
import type { Stats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileCapability } from './file-capability.ts';

/** `at` is the path in the image, without a slash in front; of the mode, the bits of a permission count. */
export type Entry = {
  readonly at: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
} & (
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'hard-link'; readonly target: string }
  | { readonly kind: 'text'; readonly text: string }
  | FileEntry
);

type FileEntry = {
  readonly kind: 'file';
  readonly from: string;
  readonly size: number;
  /** When the file was changed last, in milliseconds. It is not in the layer: it tells whether one is still right. */
  readonly changed: number;
  readonly capability?: FileCapability;
};

const ROOT = { uid: 0, gid: 0 };

/** A file of root's that everybody may run. */
export async function program(from: string, at: string, capability?: FileCapability): Promise<Entry> {
  return { ...(await file(from, at)), mode: 0o755, ...(capability === undefined ? {} : { capability }) };
}

/** A file of root's that everybody may read. */
export async function file(from: string, at: string): Promise<Entry & FileEntry> {
  const stats = await lstat(from);
  if (!stats.isFile()) throw new Error(`${from} is not a file`);
  return { at, mode: 0o644, ...ROOT, ...fileOf(from, stats) };
}

export function text(at: string, content: string): Entry {
  return { kind: 'text', at, mode: 0o644, ...ROOT, text: content };
}

export function symlink(at: string, target: string): Entry {
  return { kind: 'symlink', at, mode: 0o777, ...ROOT, target };
}

/** A folder that this user may write. */
export function folderOf(at: string, uid: number, gid: number): Entry {
  return { kind: 'directory', at, mode: 0o755, uid, gid };
}

/**
 * All that lies in a folder, as root's, with its modes, symbolic and hard links. Throws at what cannot be in a layer of
 * everybody's, such as a device or a socket.
 */
export async function tree(folder: string): Promise<readonly Entry[]> {
  const found = await pathsBelow(folder);
  const firstOf = new Map<string, string>();
  const entries: Entry[] = [];
  // In the order of the layer, where a hard link has to come after its file.
  for (const at of found.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))) {
    const from = join(folder, at);
    const stats = await lstat(from);
    const inode = `${stats.dev}:${stats.ino}`;
    const first = stats.isFile() && stats.nlink > 1 ? firstOf.get(inode) : undefined;
    if (first === undefined) firstOf.set(inode, at);
    entries.push({ at, mode: stats.mode, ...ROOT, ...(await kindOf(from, stats, first)) });
  }
  return entries;
}

/** Not by the option `recursive`, which follows links to folders. */
async function pathsBelow(folder: string, at = ''): Promise<readonly string[]> {
  const found = await readdir(join(folder, at), { withFileTypes: true });
  const paths = await Promise.all(
    found.map(async (entry) => {
      const path = join(at, entry.name);
      return entry.isDirectory() ? [path, ...(await pathsBelow(folder, path))] : [path];
    }),
  );
  return paths.flat();
}

type Kind =
  | FileEntry
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink' | 'hard-link'; readonly target: string };

async function kindOf(from: string, stats: Stats, first: string | undefined): Promise<Kind> {
  if (first !== undefined) return { kind: 'hard-link', target: first };
  if (stats.isSymbolicLink()) return { kind: 'symlink', target: await readlink(from) };
  if (stats.isDirectory()) return { kind: 'directory' };
  if (stats.isFile()) return fileOf(from, stats);
  throw new Error(`${from} is neither file, folder nor link: take it out of the folder`);
}

function fileOf(from: string, stats: Stats): FileEntry {
  // Of ctime, for packages of npm give all their files the same mtime.
  return { kind: 'file', from, size: stats.size, changed: stats.ctimeMs };
}
