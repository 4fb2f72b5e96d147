/** Where the token of a request comes from: nowhere, a value, a file that may change, or a login. */
import { readFile } from 'node:fs/promises';
import { reasonOf, TandemError } from '../support/errors.ts';
import { secret, type Secret } from '../support/secret.ts';

export type TokenSource = {
  /** The token to send now; undefined for the anonymous one. @throws TandemError */
  readonly current: () => Promise<Secret | undefined>;
  /** Consul answered 403 to this token, with this text. True when `current` may give another one now. */
  readonly refused: (token: Secret, text: string) => boolean;
  /** Logs out if there was a login; never throws. */
  readonly end: () => Promise<void>;
};

export function fixedToken(token: Secret | undefined): TokenSource {
  return { current: () => Promise.resolve(token), refused: () => false, end: () => Promise.resolve() };
}

/**
 * The file is read for each request: it is a few bytes, and whoever renews it informs nobody. An empty one is an error,
 * because the anonymous token would see a part of the catalog and take it for everything.
 */
export function fileToken(path: string): TokenSource {
  return {
    current: () => readSecretFile(path),
    refused: () => false,
    end: () => Promise.resolve(),
  };
}

/** @throws TandemError TANDEM_FILE_UNREADABLE, also when the file is empty */
export async function readSecretFile(path: string): Promise<Secret> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new TandemError(
      'TANDEM_FILE_UNREADABLE',
      `cannot read the token in ${path}: ${reasonOf(cause)}`,
      cause,
    );
  }
  if (text === '')
    throw new TandemError('TANDEM_FILE_UNREADABLE', `the file of the token, ${path}, is empty`);
  return secret(text);
}
