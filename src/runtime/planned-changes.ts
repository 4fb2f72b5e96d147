/** What the sync would change, given what the cluster and Consul hold now. */
import type { Plan, Scope } from '../catalog/to-consul/consul-plan.ts';
import { createObservedIndex } from '../catalog/to-consul/observed-index.ts';
import type { OmitReason } from '../catalog/to-consul/place.ts';
import type { EntryPlan } from '../catalog/config-entries/entry-plan.ts';
import { applyPolicy } from '../catalog/to-consul/policy.ts';
import type { configEntryFlags } from '../config/config-entry-flags.ts';
import type { consulFlags } from '../config/consul-settings.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { syncNodeName, type toConsulFlags, toConsulSettings } from '../config/sync-settings.ts';
import { syncCatalog } from '../consul/sync-catalog.ts';
import { createPlanner, type Planned, type Planner } from '../controllers/planner.ts';
import { requireOwnNode } from '../model/operations.ts';
import { readCluster } from './cluster-objects.ts';
import { withConsul } from './consul-access.ts';
import type { Context } from './context.ts';
import { plannedEntries } from './planned-entries.ts';

export type PlannedChanges = {
  /** As far as the policy allows. */
  readonly planned: Planned;
  readonly withoutPolicy: Plan;
  readonly scope: Scope;
  /** Of Services that are synced and of which nothing is registered: why. */
  readonly leftOut: ReadonlyMap<string, readonly OmitReason[]>;
  /** Undefined without --config-entries. */
  readonly entries: EntryPlan | undefined;
};

type Values = FlagValues<typeof toConsulFlags> &
  FlagValues<typeof configEntryFlags> &
  FlagValues<typeof consulFlags> & { readonly kubeconfig: string | undefined };

export async function plannedChanges(
  values: Values,
  files: readonly string[],
  context: Context,
): Promise<PlannedChanges> {
  const { kubeconfig, owner: named, enableIngress: withIngresses } = values;
  const { snapshot, owner, objects } = await readCluster(
    { kubeconfig, files, owner: named, withIngresses },
    context,
  );
  return withConsul(values, context, async (consul) => {
    const scope = { owner, node: syncNodeName(values, owner) };
    const { signal } = context;
    const read = await syncCatalog(consul).read(scope.node, { consistent: true, signal });
    requireOwnNode(scope.node, read.node);
    const observed = createObservedIndex(scope);
    observed.replace(read.instances);
    const planner = createPlanner(snapshot, observed, toConsulSettings(values, owner), scope);
    const planned = await planner.all();
    const allowed = { ...planned, plan: applyPolicy(planned.plan, values.policy) };
    const entries = values.configEntries
      ? (await plannedEntries(values, objects, owner, consul, context)).plan
      : undefined;
    return { planned: allowed, withoutPolicy: planned.plan, scope, leftOut: leftOutBy(planner), entries };
  });
}

function leftOutBy(planner: Planner): PlannedChanges['leftOut'] {
  const empty = [...planner.statuses()].filter(([, { leftOut }]) => leftOut.length > 0);
  return new Map(empty.map(([source, { leftOut }]) => [source, leftOut]));
}
