/** Starts a keeper, and speaks to one. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FromKeeper, ToKeeper } from './keeper-messages.ts';

export type StartedCluster = {
  readonly kubeconfig: string;
  readonly socket: string;
  readonly folder: string;
  readonly keeperPid: number;
  /** From now on the cluster stays when this process ends. */
  readonly letGo: (hasTandem: boolean) => Promise<void>;
  /** Resolves when nothing is left of it. */
  readonly end: () => Promise<void>;
};

export type ClusterOptions = {
  /** `a.b.0.0/16`; one that is free by default. */
  readonly network?: string | undefined;
  readonly onProgress?: (text: string) => void;
  /** Ends the cluster while it comes up. */
  readonly signal?: AbortSignal;
};

/** Rejects when the cluster does not come up, with the reason, or was ended; then nothing is left of it. */
export async function startCluster(options: ClusterOptions = {}): Promise<StartedCluster> {
  const { network, onProgress, signal } = options;
  const keeper = fork(join(import.meta.dirname, 'keeper.ts'), network === undefined ? [] : [network], {
    // Ctrl-C at a terminal is for us alone: we tell it.
    detached: true,
    // Not our own standard error: what reads that would wait for the keeper, too, once it is let go.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  keeper.stderr?.pipe(process.stderr, { end: false });
  const ended = once(keeper, 'exit');
  const end = async (): Promise<void> => {
    keeper.kill('SIGTERM');
    await ended;
  };
  const onAbort = (): void => void keeper.kill('SIGTERM');
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  const up = Promise.withResolvers<Extract<FromKeeper, { kind: 'up' }>>();
  const released = Promise.withResolvers<void>();
  let failure = 'the keeper of the cluster has ended';
  keeper.on('message', (message: FromKeeper) => {
    if (message.kind === 'progress') onProgress?.(message.text);
    else if (message.kind === 'up') up.resolve(message);
    else if (message.kind === 'let-go') released.resolve();
    else failure = message.message;
  });
  void ended.then(() => up.reject(new Error(failure)));
  const { kubeconfig, socket, folder } = await up.promise;
  signal?.removeEventListener('abort', onAbort);
  return {
    kubeconfig,
    socket,
    folder,
    keeperPid: keeper.pid ?? 0,
    letGo: async (hasTandem) => {
      keeper.send({ kind: 'let-go', hasTandem } satisfies ToKeeper);
      await released.promise;
      keeper.disconnect();
      keeper.stderr?.destroy();
      keeper.unref();
    },
    end,
  };
}
