/** `tandem plan`: what the sync would change, and nothing is changed. */
import { applyPolicy } from '../catalog/to-consul/policy.ts';
import { createObservedIndex } from '../catalog/to-consul/observed-index.ts';
import { isEmpty } from '../catalog/to-consul/consul-plan.ts';
import { consulFlagProblems, consulFlags } from '../config/consul-settings.ts';
import { oneOf } from '../config/flag.ts';
import { syncNodeName, toConsulFlags, toConsulSettings } from '../config/sync-settings.ts';
import { syncCatalog } from '../consul/sync-catalog.ts';
import { createPlanner, type Planner } from '../controllers/planner.ts';
import { readCluster } from '../runtime/cluster-objects.ts';
import { command, exit } from './command.ts';
import { kubeconfigFlag } from '../config/common-flags.ts';
import { openConsulForPerson } from '../runtime/consul-access.ts';
import { planJson, planTable, type Without } from './plan-report.ts';
import { writeAll } from './write-all.ts';

const flags = {
  ...kubeconfigFlag,
  output: oneOf('Form of the plan on standard output.', ['table', 'json'], 'table'),
  ...toConsulFlags,
  ...consulFlags,
};

export const planCommand = command({
  operands: '[FILE…|DIR|-]',
  flags,
  examples: [
    'tandem plan --consul-http-addr=consul:8500',
    'tandem plan manifests/ --owner=staging --output=json',
  ],
  check: consulFlagProblems,
  run: async (values, files, context) => {
    const { kubeconfig, owner: named, enableIngress: withIngresses } = values;
    const { snapshot, owner } = await readCluster(
      { kubeconfig, files, owner: named, withIngresses },
      context,
    );
    const consul = await openConsulForPerson(values, context);
    try {
      const scope = { owner, node: syncNodeName(values, owner) };
      const { signal } = context;
      const read = await syncCatalog(consul).read(scope.node, { consistent: true, signal });
      const observed = createObservedIndex(scope);
      observed.replace(read.instances);
      const settings = toConsulSettings(values, owner);
      const planner = createPlanner(snapshot, observed, settings, scope);
      const planned = await planner.all();
      const allowed = { ...planned, plan: applyPolicy(planned.plan, values.policy) };
      const report = values.output === 'json' ? planJson : planTable;
      await writeAll(context.stdout, report(allowed, withoutInstances(planner)));
      return isEmpty(allowed.plan) ? exit.done : exit.changes;
    } finally {
      await consul.close();
    }
  },
});

function withoutInstances(planner: Planner): Without {
  const empty = [...planner.statuses()].filter(([, { leftOut }]) => leftOut.length > 0);
  return new Map(empty.map(([source, { leftOut }]) => [source, leftOut]));
}
