/** `tandem sync --config-entries` as a process that a test may kill and start again. */
import type { ApiServer } from '../harness/api-server.ts';
import type { Scene } from '../harness/scene.ts';
import { startTandemSync, type TandemSync } from '../harness/tandem-sync.ts';

const FLAGS = ['--owner=one', '--to-consul=false', '--config-entries', '--leader-election=false'];

/** All is of the process that runs now. */
type EntrySync = Pick<TandemSync, 'controller' | 'metrics'> & {
  readonly log: () => string;
  /** Kills the process, and resolves when the next one serves: what it knows is in Consul and the cluster. */
  readonly whileDown: (change: () => Promise<void>) => Promise<void>;
};

export async function startEntrySync(
  scene: Scene,
  api: Pick<ApiServer, 'kubeconfig'>,
  consul: { readonly url: string },
): Promise<EntrySync> {
  const start = (): Promise<TandemSync> => startTandemSync(scene, api, consul, FLAGS);
  let sync = await start();
  return {
    controller: (name) => sync.controller(name),
    metrics: () => sync.metrics(),
    log: () => sync.process.log(),
    whileDown: async (change) => {
      await sync.process.stop('SIGKILL');
      await change();
      sync = await start();
    },
  };
}
