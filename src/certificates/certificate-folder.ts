/** A folder with ca.crt, ca.key, tls.crt and tls.key. Keys have mode 0600 from their first byte. */
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf, TandemError } from '../support/errors.ts';
import type { KeyPair } from './key-pair.ts';

export type Certificates = { readonly ca: KeyPair; readonly serving: KeyPair };

const NAMES = ['ca.key', 'ca.crt', 'tls.key', 'tls.crt'] as const;

/**
 * Which of the four files are there; none when the folder is not.
 *
 * @throws TandemError TANDEM_FILE_UNREADABLE
 */
export async function presentFiles(folder: string): Promise<readonly string[]> {
  const found = await unlessAbsent(folder, () => readdir(folder));
  return NAMES.filter((name) => found?.includes(name));
}

/**
 * What is there, or undefined when a file is missing.
 *
 * @throws TandemError TANDEM_FILE_UNREADABLE
 */
export async function readFolder(folder: string): Promise<Certificates | undefined> {
  const read = (name: (typeof NAMES)[number]): Promise<string> => readFile(join(folder, name), 'utf8');
  return unlessAbsent(folder, async () => ({
    ca: { certificate: await read('ca.crt'), key: await read('ca.key') },
    serving: { certificate: await read('tls.crt'), key: await read('tls.key') },
  }));
}

async function unlessAbsent<T>(folder: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new TandemError(
      'TANDEM_FILE_UNREADABLE',
      `cannot read the certificates in ${folder}: ${reasonOf(cause)}`,
      cause,
    );
  }
}

/** @throws TandemError TANDEM_FILE_UNWRITABLE */
export async function writeFolder(folder: string, { ca, serving }: Certificates): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeWhole(join(folder, 'ca.key'), ca.key, 0o600);
    await writeWhole(join(folder, 'ca.crt'), ca.certificate, 0o644);
    await writeWhole(join(folder, 'tls.key'), serving.key, 0o600);
    await writeWhole(join(folder, 'tls.crt'), serving.certificate, 0o644);
  } catch (cause) {
    throw new TandemError(
      'TANDEM_FILE_UNWRITABLE',
      `cannot write certificates to ${folder}: ${reasonOf(cause)}`,
      cause,
    );
  }
}

/** A reader sees the old file or the new one, never a part. */
async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', mode);
  try {
    // The mode of open counts for a new file only.
    await file.chmod(mode);
    await file.writeFile(text);
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
