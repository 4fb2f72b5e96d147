/** `tandem redirect-wait`: the first container of a pod whose node redirects its traffic. */
import { redirectWaitFlags } from '../config/redirector-flags.ts';
import { exit } from '../runtime/context.ts';
import { redirectWait } from '../runtime/redirect-wait.ts';
import { command } from './command.ts';

export const redirectWaitCommand = command({
  operands: '',
  flags: redirectWaitFlags,
  examples: ['tandem redirect-wait', 'tandem redirect-wait --node-name=node-1'],
  // A stop before the redirection must not look like a success: the next containers would start.
  run: async ({ nodeName }, _positionals, { stderr, signal }) =>
    (await redirectWait({ node: nodeName, stderr, signal })) ? exit.done : exit.internal,
});
