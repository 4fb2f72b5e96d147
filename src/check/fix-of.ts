/** The way to fix a question that failed: by what became of it, since a right does not help where nothing answers. */
import type { Probe } from './finding.ts';

export type Failed = Extract<Probe<unknown>, { kind: 'failed' }>;
type Fixes = { readonly [Code in Failed['code']]?: string };

const CONSUL_ADDRESS =
  'set --consul-http-addr to a server or agent that answers; with https, --consul-ca-file to the CA of its certificate, and --consul-tls-server-name to a name in it';
const NO_CONSUL =
  'set --consul-http-addr to the HTTP port of a server or agent, with https:// if that speaks TLS; what answers there is something else, such as a proxy';
const CONSUL: Fixes = {
  TANDEM_FILE_UNREADABLE:
    'make sure that the file is there, that this process may read it, and that it holds what it is for: a CA in PEM, or a token',
  TANDEM_CONSUL_UNREACHABLE: CONSUL_ADDRESS,
  timeout: CONSUL_ADDRESS,
  TANDEM_CONSUL_UNAVAILABLE:
    'see whether the servers have a leader (consul operator raft list-peers), and whether --consul-datacenter is one of theirs (consul catalog datacenters)',
  TANDEM_CONSUL_LIMITED:
    'raise the limit on the agent that answers (limits.http_max_conns_per_client, limits.request_limits), or use another one',
  TANDEM_CONSUL_ANSWER_INVALID: NO_CONSUL,
};
const API_SERVER =
  'see whether the API server is overloaded (kubectl get --raw /readyz?verbose), and check again';
const CLUSTER: Fixes = {
  TANDEM_KUBERNETES_UNREACHABLE: API_SERVER,
  TANDEM_KUBERNETES_GARBLED: API_SERVER,
  timeout: API_SERVER,
};

/** @param ifRefused where Consul answered, and said no to this very question; by default, what does so is no Consul */
export function consulFix({ code }: Failed, ifRefused = NO_CONSUL): string {
  return CONSUL[code] ?? ifRefused;
}

/** @param ifRefused where the API server answered, and said no to this very question */
export function clusterFix({ code }: Failed, ifRefused: string): string {
  return CLUSTER[code] ?? ifRefused;
}
