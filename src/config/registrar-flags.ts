/** Which injected pods `tandem sync` keeps in Consul, and how it reaches the agents. */
import { boolean, integer, string } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';

export const registrarFlags = {
  registrar: boolean(
    'Keep injected pods in Consul: register those in dataplane mode, clean up after those in agent mode.',
    false,
  ),
  deletePodTokens: boolean(
    'With --pod-auth-method: delete the ACL tokens of pods that are gone. false: `tandem secure` does.',
    true,
  ),
  agentHttpPort: integer('Agent mode: HTTP port of the Consul agents on the nodes.', 'PORT', 8500, {
    min: 1,
    max: 65_535,
  }),
  agentTls: boolean('Agent mode: use TLS to the Consul agents on the nodes.', false),
  agentTlsServerName: string(
    "With --agent-tls: name in the agents' certificates. Default: --consul-tls-server-name.",
    'NAME',
    undefined,
  ),
};

export function registrarFlagProblems(values: FlagValues<typeof registrarFlags>): string[] {
  return values.agentTlsServerName !== undefined && !values.agentTls
    ? ['--agent-tls-server-name is for --agent-tls; set it, or leave this out']
    : [];
}
