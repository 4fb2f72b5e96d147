/** One installation into a cache at a time. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * Runs `work` while no other process on this machine does so for the same folder; `onWait` is called each time that
 * another one is waited for. Rejects when the signal ends the wait.
 *
 * The lock is a listening socket in Linux's abstract namespace (unix(7)): the kernel takes it back when its process
 * ends, however it ends, so no stale lock can be left; and a waiting process, being connected to it, learns of the
 * end at once.
 */
export async function withInstallLock<T>(
  folder: string,
  onWait: () => void,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  // A name in the abstract namespace has at most 107 bytes; a path may be longer.
  const name = `\0tandem-real-${createHash('sha256').update(folder).digest('hex')}`;
  let release = await acquire(name);
  while (release === undefined) {
    onWait();
    await endOfHolder(name, signal);
    release = await acquire(name);
  }
  try {
    return await work();
  } finally {
    release();
  }
}

async function acquire(name: string): Promise<(() => void) | undefined> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    // A process that gives up waiting is no concern of ours.
    socket.on('error', () => socket.destroy()).on('close', () => waiting.delete(socket));
  });
  server.listen(name);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) return undefined;
    throw error;
  }
  return () => {
    server.close();
    for (const socket of waiting) socket.destroy();
  };
}

async function endOfHolder(name: string, signal: AbortSignal): Promise<void> {
  const socket = connect(name).resume();
  try {
    await once(socket, 'close', { signal });
  } catch (error) {
    // Refused or reset: the holder ended just now, and the lock may be free.
    if (!hasCode(error, 'ECONNREFUSED') && !hasCode(error, 'ECONNRESET')) throw error;
  } finally {
    socket.destroy();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
