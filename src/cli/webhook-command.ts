/** `tandem webhook`: serves admissions until it is asked to stop. */
import { webhookFlagProblems, webhookFlags } from '../config/webhook-flags.ts';
import { exit } from '../runtime/context.ts';
import { runWebhook } from '../runtime/run-webhook.ts';
import { command } from './command.ts';

export const webhookCommand = command({
  operands: '',
  flags: webhookFlags,
  examples: ['tandem webhook --tls-auto --tls-auto-dir=certs --listen=127.0.0.1:8443'],
  check: webhookFlagProblems,
  run: async (values, _positionals, context) => {
    await runWebhook(values, context);
    return exit.done;
  },
});
