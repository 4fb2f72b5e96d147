/**
 * The process that keeps a cluster. It is started by `keeper-client.ts` with a channel to its starter, and ends the cluster on SIGTERM,
 * and when the channel closes, as it does when the starter is killed; unless the starter has let go of it.
 */
import { once } from 'node:events';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { killAll } from '../../real/harness/processes.ts';
import { claimFolder, letGo, removeCluster } from './cluster-folder.ts';
import { startCluster } from './cluster-machine.ts';
import { serveControl } from './control-socket.ts';
import { daemons } from './daemons.ts';
import type { FromKeeper, ToKeeper } from './keeper-messages.ts';

const [wantedNetwork] = process.argv.slice(2);
const ending = new AbortController();
let isKept = false;

const finished = Promise.withResolvers<void>();
const requestEnd = (): void => {
  ending.abort(new Error('the cluster is to end'));
  finished.resolve();
};
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, requestEnd);
process.on('disconnect', () => {
  if (!isKept) requestEnd();
});

try {
  await keep();
} catch (error) {
  tell({ kind: 'failed', message: (error as Error).message });
  process.exitCode = 1;
}
if (process.connected) process.disconnect();

async function keep(): Promise<void> {
  const { plan, folder } = await claimFolder(wantedNetwork);
  mkdirSync(join(folder.path, 'log'));
  const log = (text: string): void => {
    appendFileSync(join(folder.path, 'log', 'keeper.log'), `${new Date().toISOString()} ${text}\n`);
  };
  const ends: (() => Promise<void>)[] = [];
  const onMachine = daemons(folder.path, (name, last) => log(`${name} has ended:\n${last}`));
  process.on('message', (message: ToKeeper) => {
    if (message.kind !== 'let-go') return;
    isKept = true;
    letGo(folder);
    tell({ kind: 'let-go' });
  });
  try {
    const machine = await startCluster({
      plan,
      folder,
      start: onMachine.start,
      say: (text) => {
        log(text);
        tell({ kind: 'progress', text });
      },
      onTrouble: log,
      atEnd: (end) => ends.push(end),
      signal: ending.signal,
    });
    const control = await serveControl(folder.socket, machine);
    ends.push(async () => void (await once(control.close(), 'close')));
    tell({ kind: 'up', kubeconfig: folder.kubeconfig, socket: folder.socket, folder: folder.path });
    await finished.promise;
  } finally {
    for (const end of ends.toReversed()) await end().catch((error: unknown) => log((error as Error).message));
    await onMachine.end();
    killAll();
    await removeCluster(folder);
  }
}

/** Nobody listens any more when the starter has gone. */
function tell(message: FromKeeper): void {
  if (process.connected) process.send?.(message);
}
