/** The CA of Consul from a file, such as a mounted ConfigMap, read again when it changes. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { reasonOf, TandemError } from '../support/errors.ts';

export type CaFile = {
  /** PEM, as last read. */
  readonly current: () => string;
  readonly close: () => void;
};

// The kubelet renews a mounted ConfigMap once a minute or so.
const POLL = 10_000;

/**
 * @param onProblem the new content cannot be used, so the old one stays; once for each reason
 * @throws TandemError TANDEM_FILE_UNREADABLE when it cannot be used at the start
 */
export async function openCaFile(path: string, onProblem: (reason: string) => void): Promise<CaFile> {
  let content = await readPem(path);
  let lastProblem = '';
  const look = async (): Promise<void> => {
    try {
      content = await readPem(path);
      lastProblem = '';
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      if (error.message !== lastProblem) onProblem(error.message);
      lastProblem = error.message;
    }
  };
  const timer = setInterval(() => void look(), POLL);
  return { current: () => content, close: () => clearInterval(timer) };
}

async function readPem(path: string): Promise<string> {
  const unusable = (reason: string, cause: unknown): TandemError =>
    new TandemError('TANDEM_FILE_UNREADABLE', `cannot read Consul's CA in ${path}: ${reason}`, cause);
  const content = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unusable(reasonOf(cause), cause);
  });
  try {
    // Of several CAs, it checks only the first; Consul's clients check the others.
    void new X509Certificate(content);
    return content;
  } catch (cause) {
    throw unusable('it is not a certificate in PEM', cause);
  }
}
