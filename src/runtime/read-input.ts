/** The text of a file, or of standard input for `-`. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { reasonOf, TandemError } from '../support/errors.ts';

// Bytes that are no UTF-8 would come out as others; a byte order mark is part of the text.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws TandemError TANDEM_FILE_UNREADABLE */
export async function readInput(file: string, stdin: Readable): Promise<string> {
  try {
    return decoder.decode(file === '-' ? await buffer(stdin) : await readFile(file));
  } catch (cause) {
    throw new TandemError(
      'TANDEM_FILE_UNREADABLE',
      `cannot read ${file === '-' ? '<stdin>' : file}: ${reasonOf(cause)}`,
      cause,
    );
  }
}
