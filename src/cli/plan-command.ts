/** `tandem plan`: what the sync would change. It changes nothing. */
import { isEmpty } from '../catalog/to-consul/consul-plan.ts';
import { configEntryFlagProblems, configEntryFlags } from '../config/config-entry-flags.ts';
import { kubeconfigFlag } from '../config/common-flags.ts';
import { consulFlagProblems, consulFlags } from '../config/consul-settings.ts';
import { oneOf } from '../config/flag.ts';
import { toConsulFlags } from '../config/sync-settings.ts';
import { exit } from '../runtime/context.ts';
import { plannedChanges } from '../runtime/planned-changes.ts';
import { tell } from '../runtime/tell.ts';
import { command } from './command.ts';
import { isEmptyEntryPlan } from './entry-plan-report.ts';
import { renamedIn, serviceNamingNote } from './naming-note.ts';
import { planJson, planTable } from './plan-report.ts';
import { writeAll } from './write-all.ts';

const flags = {
  ...kubeconfigFlag,
  output: oneOf('Form of the plan on standard output.', ['table', 'json'], 'table'),
  ...toConsulFlags,
  ...configEntryFlags,
  ...consulFlags,
};

export const planCommand = command({
  operands: '[FILE…|DIR|-]',
  flags,
  examples: [
    'tandem plan --consul-http-addr=consul:8500',
    'tandem plan manifests/ --owner=staging --output=json',
    'tandem plan --config-entries --config-entries-adopt --consul-http-addr=consul:8500',
  ],
  check: (values) => [...consulFlagProblems(values), ...configEntryFlagProblems(values)],
  run: async (values, files, context) => {
    const { planned, withoutPolicy, scope, leftOut, entries } = await plannedChanges(values, files, context);
    const report = values.output === 'json' ? planJson : planTable;
    await writeAll(context.stdout, report(planned, leftOut, entries));
    tell(context.stderr, `tandem plan: ${serviceNamingNote(values, scope, renamedIn(withoutPolicy))}`);
    const isDone = isEmpty(planned.plan) && (entries === undefined || isEmptyEntryPlan(entries));
    return isDone ? exit.done : exit.changes;
  },
});
