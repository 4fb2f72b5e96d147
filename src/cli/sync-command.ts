/** `tandem sync`: keeps Consul and the cluster in step until it is asked to stop. */
import { syncFlagProblems, syncFlags } from '../config/sync-flags.ts';
import { openSync } from '../runtime/run-sync.ts';
import { command } from './command.ts';

export const syncCommand = command({
  operands: '',
  flags: syncFlags,
  examples: [
    'tandem sync --kubeconfig=~/.kube/config --consul-http-addr=consul:8500',
    'tandem sync --once --dry-run --consul-http-addr=consul:8500',
  ],
  check: syncFlagProblems,
  run: (values, _positionals, context) => openSync(values, context),
});
