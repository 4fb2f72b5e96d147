/** `tandem sync --purge`: removes everything of one owner from Consul, including its config entries, and nothing else. */
import { plan } from '../catalog/to-consul/consul-plan.ts';
import { deregistration, syncNode } from '../catalog/to-consul/transactions.ts';
import { createApplier, type Written } from '../controllers/apply-changes.ts';
import type { Catalog } from '../controllers/sync-ports.ts';
import type { Log } from '../telemetry/logger.ts';
import { exit, type Context, type ExitCode } from './context.ts';
import { purgeEntries } from './purge-entries.ts';
import { tell } from './tell.ts';

type PurgeOptions = {
  /** The owner as the operator wrote it. */
  readonly named: string;
  readonly owner: string;
  readonly node: string;
  readonly catalog: Catalog;
  readonly entries: Parameters<typeof purgeEntries>[0];
  readonly log: Log;
};

export async function purge(options: PurgeOptions, { stderr, signal }: Context): Promise<ExitCode> {
  const { named, owner, node, catalog, entries, log } = options;
  if (named !== owner) {
    tell(stderr, `tandem sync: --purge=${named} is not the owner of this cluster, which is ${owner}`);
    return exit.usage;
  }
  const read = await catalog.read(node, { consistent: true, signal });
  const { deregister, foreign } = plan([], read.instances, { owner, node });
  let removed = 0;
  const written: Written = {
    applied: () => (removed += 1),
    refused: ({ change, reason }) =>
      log('error', 'Consul refused a change', { id: change.instance.id, reason }),
    nodeWritten: () => undefined,
    mayBegin: () => true,
    left: () => undefined,
  };
  const changes = deregister.map(deregistration);
  await createApplier(catalog)(changes, syncNode(node, read.node), written, signal);
  const left = deregister.length - removed;
  log('info', 'purged', { owner, node, removed, left, foreign });
  const leftEntries = await purgeEntries(entries, signal);
  return left + leftEntries === 0 ? exit.done : exit.internal;
}
