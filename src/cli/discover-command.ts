/** `tandem discover`: the addresses that an auto-join string stands for, as an agent of Consul would find them. */
import { parseAutoJoin } from '../discovery/auto-join.ts';
import { formatAddress, podAddress } from '../discovery/server-pod.ts';
import { command, Misuse } from './command.ts';
import { exit } from '../runtime/context.ts';
import { listServerPods } from '../runtime/server-pods.ts';
import { tell } from '../runtime/tell.ts';

export const discoverCommand = command({
  operands: "'provider=k8s …'",
  flags: {},
  examples: [
    `tandem discover 'provider=k8s label_selector="app=consul,component=server"'`,
    `tandem discover 'provider=k8s namespace=consul host_network=true kubeconfig=config'`,
  ],
  run: async (_values, positionals, { environment, stdout, stderr, signal }) => {
    const [text] = positionals;
    if (text === undefined || positionals.length > 1)
      throw new Misuse('expected one auto-join string, in single quotes');
    const parsed = parseAutoJoin(text);
    if (!parsed.ok) throw new Misuse(parsed.problem);
    const autoJoin = parsed.value;
    for (const pod of await listServerPods(autoJoin, { kubeconfig: undefined, environment }, signal)) {
      const found = podAddress(pod, autoJoin.hostNetwork);
      if (found.kind === 'address') tell(stdout, formatAddress(found.host, found.port));
      if (found.kind === 'left-out') tell(stderr, `warning: ${found.warning}`);
    }
    return exit.done;
  },
});
