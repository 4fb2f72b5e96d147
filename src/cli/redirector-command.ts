/** `tandem redirector`: redirects the traffic of the pods of its node, until it is asked to stop. */
import { redirectorFlags } from '../config/redirector-flags.ts';
import { exit } from '../runtime/context.ts';
import { runRedirector } from '../runtime/run-redirector.ts';
import { command, Misuse } from './command.ts';

export const redirectorCommand = command({
  operands: '',
  flags: redirectorFlags,
  examples: ['tandem redirector --node-name=node-1 --kubeconfig=~/.kube/config'],
  run: async ({ nodeName, ...values }, _positionals, context) => {
    if (nodeName === undefined) throw new Misuse('--node-name is required: the node that it runs on');
    await runRedirector({ ...values, nodeName }, context);
    return exit.done;
  },
});
