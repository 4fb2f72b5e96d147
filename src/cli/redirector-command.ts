/** `tandem redirector`: redirects the traffic of the pods of its node, until it is asked to stop. */
import { redirectorFlags } from '../config/redirector-flags.ts';
import { exit } from '../runtime/context.ts';
import { runRedirector } from '../runtime/run-redirector.ts';
import { tell } from '../runtime/tell.ts';
import { command } from './command.ts';

export const redirectorCommand = command({
  operands: '',
  flags: redirectorFlags,
  examples: ['tandem redirector --node-name=node-1 --kubeconfig=~/.kube/config'],
  run: async ({ nodeName, ...values }, _positionals, context) => {
    if (nodeName === undefined) {
      tell(context.stderr, 'tandem redirector: --node-name is required: the node that it runs on');
      return exit.usage;
    }
    await runRedirector({ ...values, nodeName }, context);
    return exit.done;
  },
});
