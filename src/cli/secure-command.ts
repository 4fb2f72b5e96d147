/** `tandem secure`: makes the keys, certificates and ACLs of a Consul in this cluster, and keeps them. */
import { secureFlagProblems, secureFlags } from '../config/secure-flags.ts';
import { openSecure } from '../runtime/run-secure.ts';
import { command } from './command.ts';

export const secureCommand = command({
  operands: '',
  flags: secureFlags,
  examples: ['tandem secure --name=tandem --namespace=consul --server-selector=app=consul,component=server'],
  check: secureFlagProblems,
  run: (values, _positionals, context) => openSecure(values, context),
});
