/** `tandem dev`: the whole product in one process, with a folder in the place of the cluster and a catalog in that of Consul. */
import { devFlags } from '../../dev/dev-flags.ts';
import { openDev } from '../../dev/run-dev.ts';
import { injectFlagProblems } from '../config/inject-settings.ts';
import { exit } from '../runtime/context.ts';
import { command, Misuse } from './command.ts';

export const devCommand = command({
  operands: '[FILE…|DIR]',
  flags: devFlags,
  examples: ['tandem dev examples', 'tandem dev examples --consul-http-addr=127.0.0.1:8500'],
  check: injectFlagProblems,
  run: async (values, operands, context) => {
    if (operands.length === 0 && values.kubeconfig === undefined)
      throw new Misuse('name a folder of manifests, or a cluster with --kubeconfig');
    await openDev(values, operands, context);
    return exit.done;
  },
});
