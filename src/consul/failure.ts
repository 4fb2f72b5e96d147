/** What a failed answer of Consul means: which error, and whether another server may do better. */
import type { ErrorCode } from '../support/errors.ts';

export type Failure = {
  readonly code: ErrorCode;
  /** Another server may answer where this one failed. */
  readonly elsewhere: boolean;
};

// The texts by which a server says that it cannot serve now (agent/consul/rpc.go and agent/structs/errors.go of Consul,
// api.go of hashicorp/raft). At the start of the text: further on there are names that a stranger chose, which must not make a refusal
// look like an outage.
const PASSING = startsWith(
  'No cluster leader',
  'No known Consul servers',
  'Not ready to serve consistent reads',
  'No path to datacenter',
  'Remote DC has no server',
  'Raft leader not found',
  'RPC rate limit exceeded',
  'rate limit exceeded',
  'Rate limit reached',
  'rpc error',
  'leadership lost',
  'leadership transfer in progress',
  'node is not the leader',
  'raft is already shutdown',
  'snapshot restored while committing',
  'timed out enqueuing',
);
// How a follower passes on what the leader said, or that nothing came from it (agent/consul/rpc.go of Consul).
const FORWARDED = /^(rpc error making call: )+/;
// What endpoints put before the error of Raft (agent/consul/txn_endpoint.go and acl_endpoint.go of Consul).
const WRAPPED = /^(raft apply failed: |Failed to apply [a-z ]+ request: )/;
// Of Go's net, net/rpc and context packages, and of the multiplexer between servers (hashicorp/yamux); also from the start.
const CONNECTION = startsWith(
  'EOF',
  'unexpected EOF',
  'read ',
  'reading ',
  'write ',
  'dial ',
  'i/o ',
  'broken pipe',
  'connection ',
  'context canceled',
  'context deadline exceeded',
  'keepalive timeout',
  'remote end is not accepting connections',
  'session shutdown',
  'stream closed',
  'streams exhausted',
);
// Consul answers 403 to every error that has these words in it (agent/http.go and acl/errors.go), also to a refusal that repeats
// a name of somebody's choice. A real one begins with these words, after what endpoints put before.
const ABOUT_ACLS = /Permission denied|ACL not found/i;
const BY_ACLS = /^(token does not exist: |(failed|error) [a-z ]+: )*(Permission denied|ACL not found)/i;
// Words of a request that stays invalid, whatever else its text says.
const LASTING = /Must provide|Invalid |Unknown service ID|boolean expression evaluator/i;

/**
 * | status | code | another server |
 * | --- | --- | --- |
 * | 403, and a 500 that wraps one | FORBIDDEN; REFUSED if its text only repeats such words | no |
 * | 429 | LIMITED | no: the limit is for this client |
 * | 500 by text | UNAVAILABLE | yes |
 * | 502, 503, 504 | UNAVAILABLE | yes |
 * | other 4xx and 5xx | REFUSED | no |
 * | the rest (1xx, 2xx, 3xx that nobody asked for) | ANSWER_INVALID | yes |
 *
 * @param text the body of the answer
 */
export function classify(status: number, text: string): Failure {
  if (status === 403) return ABOUT_ACLS.test(text) && !isByAcls(text) ? REFUSED : FORBIDDEN;
  if (status === 429) return { code: 'TANDEM_CONSUL_LIMITED', elsewhere: false };
  if (status === 500) return classifyText(text);
  if (status >= 502 && status <= 504) return { code: 'TANDEM_CONSUL_UNAVAILABLE', elsewhere: true };
  if (status >= 400) return REFUSED;
  return { code: 'TANDEM_CONSUL_ANSWER_INVALID', elsewhere: true };
}

/** What Consul says, without the prefix of a follower: only that tells whether it would say the same again. */
export function innerText(text: string): string {
  return text.trim().replace(FORWARDED, '');
}

function startsWith(...texts: readonly string[]): (text: string) => boolean {
  const lower = texts.map((each) => each.toLowerCase());
  return (text) => lower.some((each) => text.toLowerCase().startsWith(each));
}

const FORBIDDEN: Failure = { code: 'TANDEM_CONSUL_FORBIDDEN', elsewhere: false };
const REFUSED: Failure = { code: 'TANDEM_CONSUL_REFUSED', elsewhere: false };

function isByAcls(text: string): boolean {
  return BY_ACLS.test(innerText(text).replace(WRAPPED, ''));
}

function classifyText(text: string): Failure {
  if (isByAcls(text)) return FORBIDDEN;
  const inner = innerText(text).replace(WRAPPED, '');
  if ((PASSING(inner) || (FORWARDED.test(text.trim()) && CONNECTION(inner))) && !LASTING.test(inner))
    return { code: 'TANDEM_CONSUL_UNAVAILABLE', elsewhere: true };
  return REFUSED;
}
