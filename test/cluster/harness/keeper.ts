/**
 * The process that keeps a cluster. `keeper-client.ts` starts it, with a channel between them. It ends the cluster on SIGTERM, and
 * when the channel closes, as it does when the starter is killed, unless the starter has let go of it.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { killAll } from '../../real/harness/processes.ts';
import { claimFolder, letGo, removeCluster } from './cluster-folder.ts';
import { startCluster } from './cluster-machine.ts';
import { serveControl } from './control-socket.ts';
import { startNetwork } from './network.ts';
import { daemons } from './daemons.ts';
import type { FromKeeper, ToKeeper } from './keeper-messages.ts';

const [wantedNetwork] = process.argv.slice(2);
const ending = new AbortController();
let isKept = false;

const finished = Promise.withResolvers<never>();
const requestEnd = (reason: Error): void => {
  ending.abort(reason);
  finished.reject(reason);
};
finished.promise.catch(() => undefined);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.on(signal, () => requestEnd(new Error(signal)));
process.on('disconnect', () => {
  if (!isKept) requestEnd(new Error('the process that started the cluster has ended'));
});
// What it started would end with it, but not be tidied.
process.on('uncaughtException', requestEnd);
// Once the starter has gone, nobody reads it.
process.stderr.on('error', () => undefined);

try {
  await keep();
} catch (error) {
  await tell({ kind: 'failed', message: (error as Error).message });
}
// Idle connections would hold it.
process.exit();

async function keep(): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  const atEnd = (end: () => Promise<void>): void => void ends.push(end);
  const { plan, folder, reserved } = await claimFolder(wantedNetwork, (range) => startNetwork(range, atEnd));
  mkdirSync(join(folder.path, 'log'));
  const log = (text: string): void => {
    appendFileSync(join(folder.path, 'log', 'keeper.log'), `${new Date().toISOString()} ${text}\n`);
  };
  const onMachine = daemons(folder.path, (name, last) => log(`${name} has ended:\n${last}`));
  process.on('message', (message: ToKeeper) => {
    if (message.kind !== 'let-go') return;
    isKept = true;
    letGo(folder, message.hasTandem);
    void tell({ kind: 'let-go' });
  });
  // While it comes up, nobody waits for what would not be used.
  ending.signal.addEventListener('abort', killAll);
  try {
    const machine = await startCluster({
      plan,
      network: reserved,
      folder,
      start: async (daemon) => {
        ending.signal.throwIfAborted();
        return onMachine.start(daemon);
      },
      say: (text) => {
        log(text);
        void tell({ kind: 'progress', text });
      },
      onTrouble: log,
      atEnd,
      signal: ending.signal,
    });
    const control = await serveControl(folder.socket, machine);
    ending.signal.removeEventListener('abort', killAll);
    await tell({ kind: 'up', kubeconfig: folder.kubeconfig, socket: folder.socket, folder: folder.path });
    ends.push(async () => void control.close());
    await finished.promise;
  } catch (error) {
    log((error as Error).message);
    throw error;
  } finally {
    for (const end of ends.toReversed()) await end().catch((error: unknown) => log((error as Error).message));
    await onMachine.end();
    killAll();
    await removeCluster(folder);
  }
}

/** Nobody listens any more when the starter has gone. */
async function tell(message: FromKeeper): Promise<void> {
  if (!process.connected) return;
  await new Promise((resolve) => process.send?.(message, undefined, {}, resolve));
}
