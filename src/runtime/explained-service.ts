/** `tandem explain service NAMESPACE/NAME`: which rule decided, what is registered, what Consul has. */
import type { Scope } from '../catalog/to-consul/consul-plan.ts';
import { explainService, type Explanation, type Seen } from '../catalog/to-consul/explain-service.ts';
import type { consulFlags } from '../config/consul-settings.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { syncNodeName, type toConsulFlags, toConsulSettings } from '../config/sync-settings.ts';
import { syncCatalog } from '../consul/sync-catalog.ts';
import { sourceOfService } from '../model/instance.ts';
import { readCluster } from './cluster-objects.ts';
import { askConsul } from './consul-access.ts';
import type { Context } from './context.ts';

type ExplainServiceValues = FlagValues<typeof toConsulFlags> &
  FlagValues<typeof consulFlags> & { readonly kubeconfig: string | undefined };

/** @returns undefined when there is no such Service */
export async function explainServiceOf(
  namespace: string,
  name: string,
  files: readonly string[],
  values: ExplainServiceValues,
  context: Context,
): Promise<{ readonly explanation: Explanation; readonly scope: Scope } | undefined> {
  const { kubeconfig, owner: named, enableIngress: withIngresses } = values;
  const cluster = { kubeconfig, files, owner: named, withIngresses };
  const { snapshot, owner } = await readCluster(cluster, context);
  const source = sourceOfService(namespace, name);
  const found = snapshot.service(source);
  if (found === undefined) return undefined;
  const scope = { owner, node: syncNodeName(values, owner) };
  const seen = await seenInConsul(values, scope, context);
  const settings = toConsulSettings(values, owner);
  return { explanation: explainService(found, snapshot.related(source), settings, seen), scope };
}

function seenInConsul(
  values: ExplainServiceValues,
  scope: Scope,
  context: Context,
): Promise<Seen | undefined> {
  return askConsul(values, context, async (consul) => {
    const { instances } = await syncCatalog(consul).read(scope.node, {
      consistent: false,
      signal: context.signal,
    });
    return { observed: instances, scope };
  });
}
