/** Certificate and key from files, read again when they change: a mounted Secret of cert-manager is renewed in place. */
import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { reasonOf, TandemError } from '../support/errors.ts';
import { createListeners } from '../support/listeners.ts';
import { checkPair, type CertificateEvent, type CertificateSource, type KeyPair } from './key-pair.ts';

type CertificateFiles = { readonly certificate: string; readonly key: string };

// Certificate and key are two writes; a moment later both are there.
const SETTLE = 100;
// Some file systems deliver no events; the kubelet itself renews a mounted Secret within a minute or so.
const POLL = 10_000;

/** @throws TandemError when the files cannot be read or used at the start */
export async function fileSource(files: CertificateFiles): Promise<CertificateSource> {
  let pair = await readPair(files);
  let lastFailure = '';
  let isReading = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  const { tell, onChange } = createListeners<[CertificateEvent]>();

  const reload = async (): Promise<void> => {
    clearTimeout(timer);
    // Events during a read schedule another one after it. A concurrent read could end first, with older files.
    if (isReading) return schedule();
    isReading = true;
    try {
      const next = await readPair(files);
      lastFailure = '';
      if (next.certificate === pair.certificate && next.key === pair.key) return;
      pair = next;
      tell({ kind: 'changed', pair });
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      if (error.message === lastFailure) return;
      lastFailure = error.message;
      tell({ kind: 'failed', error });
    } finally {
      isReading = false;
    }
  };
  const schedule = (): void => {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(() => void reload(), SETTLE);
  };

  // The directory, not the file: Kubernetes replaces the files of a Secret by swapping the link `..data`.
  const watchers = [...new Set([dirname(files.certificate), dirname(files.key)])].flatMap((directory) =>
    watchDirectory(directory, schedule),
  );
  const poll = setInterval(() => void reload(), POLL);
  return {
    current: () => pair,
    onEvent: onChange,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      clearInterval(poll);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** None when the node has no inotify instance left: then polling has to suffice. */
function watchDirectory(directory: string, onChange: () => void): FSWatcher[] {
  try {
    return [watch(directory, onChange).on('error', () => undefined)];
  } catch {
    return [];
  }
}

async function readPair(files: CertificateFiles): Promise<KeyPair> {
  const [certificate, key] = await Promise.all([read(files.certificate), read(files.key)]);
  return checkPair({ certificate, key }, `${files.certificate}, ${files.key}`);
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TandemError('TANDEM_FILE_UNREADABLE', `cannot read ${path}: ${reasonOf(cause)}`, cause);
  }
}
