/** The text of a file, or of standard input for `-`. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { TandemError } from '../support/errors.ts';

/** @throws TandemError TANDEM_FILE_UNREADABLE */
export async function readInput(file: string, stdin: Readable): Promise<string> {
  if (file === '-') return text(stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason';
    throw new TandemError('TANDEM_FILE_UNREADABLE', `cannot read ${file}: ${reason}`, cause);
  }
}
