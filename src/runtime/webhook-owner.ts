/** Who this cluster is, for a webhook that writes the node of Consul into the pods of dataplane mode. */
import type { FlagValues } from '../config/parse-flags.ts';
import type { injectFlags } from '../config/inject-settings.ts';
import { TandemError } from '../support/errors.ts';
import { clusterOwner } from './cluster-owner.ts';
import type { Context } from './context.ts';
import { withCluster } from './with-cluster.ts';

type Values = Pick<FlagValues<typeof injectFlags>, 'owner' | 'proxyMode'> & {
  readonly kubeconfig: string | undefined;
};

/**
 * `--owner`; without it the cluster is asked once, and only in dataplane mode: agent mode works without an owner.
 *
 * @throws TandemError with the way to fix it: a sidecar that asks for a node that nobody registers would never start
 */
export async function webhookOwner(
  { owner, proxyMode, kubeconfig }: Values,
  { environment, signal }: Pick<Context, 'environment' | 'signal'>,
): Promise<{ readonly owner?: string }> {
  if (owner !== undefined) return { owner };
  if (proxyMode === 'agent') return {};
  try {
    return {
      owner: await withCluster({ kubeconfig, environment }, (client) => clusterOwner(client, signal)),
    };
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    throw new TandemError(
      error.code,
      `--proxy-mode=dataplane needs the owner of this cluster, and --owner is not set: ${error.message}; set the same --owner as for tandem sync`,
      error,
    );
  }
}
