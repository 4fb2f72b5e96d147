/** The facts of Consul that `tandem check` judges. */
import { ENTRY_KINDS } from '../catalog/config-entries/entry-kinds.ts';
import type { ConsulFacts, NodeRead, TokenFact } from '../check/consul-findings.ts';
import { neededConsulRules, type ConsulNeeds, type ConsulRight } from '../check/consul-rights.ts';
import { knownDatacenters } from '../config/config-entry-flags.ts';
import { consulSettings, type ConsulSettings, type consulFlags } from '../config/consul-settings.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { authorize } from '../consul/authorize.ts';
import { openConsul, type ConsulCalls } from '../consul/client.ts';
import { jsonOf } from '../consul/answer.ts';
import { entrySource } from '../consul/config-entries.ts';
import { consulDatacentersOnce } from '../consul/consul-datacenters.ts';
import { readLeader, readNodeServices } from '../consul/read.ts';
import type { AutoJoin } from '../discovery/auto-join.ts';
import { originsOf } from '../discovery/http-origin.ts';
import { asString, property } from '../support/json.ts';
import { meshFacts } from './check-mesh.ts';
import { TandemError } from '../support/errors.ts';
import { probe } from './probe.ts';
import { listServerPods, type ClusterOfPods } from './server-pods.ts';

type Values = FlagValues<typeof consulFlags> & { readonly consulPrimaryDatacenter: string | undefined };

export type ConsulQuestions = {
  readonly values: Values;
  readonly cluster: ClusterOfPods;
  readonly needs: ConsulNeeds;
  /** It is part of the names of nodes. */
  readonly isOwnerKnown: boolean;
  /** Sidecars are checked, too. */
  readonly asksMesh: boolean;
};

/** All questions at once, each with its own limit; none of them changes anything. */
export async function consulFacts(questions: ConsulQuestions, signal: AbortSignal): Promise<ConsulFacts> {
  const { values, cluster, asksMesh, needs } = questions;
  const { addresses: where, ...settings } = consulSettings(values);
  const known = 'kind' in where ? await findServers(where, settings, cluster, signal) : where;
  const addresses = (): readonly string[] => known;
  const withToken = await openConsul({ ...settings, addresses });
  // The leader is no secret: whether Consul answers must not depend on the token.
  const anonymous = await openConsul({ ...settings, token: { kind: 'none' }, addresses });
  try {
    const [leader, agent, connect, token, node, rights, entries, mesh] = await Promise.all([
      probe(signal, (limited) => readLeader(anonymous, limited)),
      probe(signal, (limited) => readAgent(withToken, limited)),
      probe(signal, (limited) => readConnect(anonymous, limited)),
      probe(signal, (limited) => readToken(withToken, values, limited)),
      readNode(withToken, questions, signal),
      probe(signal, (limited) => readRights(withToken, questions, limited)),
      needs.configEntries ? probe(signal, (limited) => readKeeper(withToken, values, limited)) : undefined,
      asksMesh ? meshFacts(withToken, signal) : undefined,
    ]);
    return { leader, agent, connect, token, node, rights, entries, mesh };
  } finally {
    await Promise.all([withToken.close(), anonymous.close()]);
  }
}

async function findServers(
  autoJoin: AutoJoin,
  { https }: Pick<ConsulSettings, 'https'>,
  cluster: ClusterOfPods,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const pods = await listServerPods(autoJoin, cluster, signal);
  return originsOf(pods, { hostNetwork: autoJoin.hostNetwork, withTls: https });
}

/** `GET /v1/agent/self` */
function readAgent(
  client: ConsulCalls,
  signal: AbortSignal,
): Promise<{ readonly version: string; readonly datacenter: string }> {
  return client.call({
    endpoint: 'other',
    method: 'GET',
    path: '/v1/agent/self',
    signal,
    read: (answer) => {
      const config = property(jsonOf(answer), 'Config');
      const [version, datacenter] = [property(config, 'Version'), property(config, 'Datacenter')].map(
        asString,
      );
      if (version === undefined || datacenter === undefined) throw new Error('Config has no Version');
      return { version, datacenter };
    },
  });
}

/** The name of the datacenter of the config entries; reads those of one kind there. */
async function readKeeper(client: ConsulCalls, values: Values, signal: AbortSignal): Promise<string> {
  const { datacenter, primary } = await consulDatacentersOnce(client, knownDatacenters(values), signal);
  const kind = ENTRY_KINDS.filter(({ enterprise }) => enterprise !== true).slice(0, 1);
  await entrySource({ client, kinds: kind, primary }).refresh(kind, signal);
  return primary ?? datacenter;
}

/** `GET /v1/connect/ca/roots`, which refuses with 500 and a reason when Connect is off. */
async function readConnect(client: ConsulCalls, signal: AbortSignal): Promise<boolean> {
  const refusal = await client.call<string | undefined>({
    endpoint: 'other',
    method: 'GET',
    path: '/v1/connect/ca/roots',
    signal,
    read: () => undefined,
    refused: (text) => text,
  });
  if (refusal !== undefined && !refusal.includes('Connect must be enabled'))
    throw new TandemError('TANDEM_CONSUL_REFUSED', `GET /v1/connect/ca/roots: ${refusal}`);
  return refusal === undefined;
}

/** `GET /v1/acl/token/self`: 401 when the ACLs are off, 403 also when the anonymous token is missing. */
function readToken(client: ConsulCalls, values: Values, signal: AbortSignal): Promise<TokenFact> {
  const isGiven = consulSettings(values).token.kind !== 'none';
  return client.call<TokenFact>({
    endpoint: 'other',
    method: 'GET',
    path: '/v1/acl/token/self',
    signal,
    accept: isGiven ? [401] : [401, 403],
    read: (answer) => {
      if (answer.status === 401) return { kind: 'acls-off' };
      if (!isGiven) return { kind: 'anonymous' };
      const accessor = asString(property(jsonOf(answer), 'AccessorID'));
      if (accessor === undefined) throw new Error('the token has no AccessorID');
      return { kind: 'token', accessor };
    },
  });
}

async function readNode(
  client: ConsulCalls,
  { needs: { toConsul }, isOwnerKnown }: ConsulQuestions,
  signal: AbortSignal,
): Promise<NodeRead> {
  if (!isOwnerKnown) return { kind: 'unknown' };
  const name = toConsul?.node;
  if (name === undefined) return { kind: 'not-needed' };
  const ask = async (limited: AbortSignal): Promise<boolean> =>
    !(await readNodeServices(client, name, { signal: limited })).filteredByAcls;
  return { kind: 'asked', name, isWhole: await probe(signal, ask) };
}

async function readRights(
  client: ConsulCalls,
  { needs }: ConsulQuestions,
  signal: AbortSignal,
): Promise<readonly ConsulRight[]> {
  const rules = neededConsulRules(needs);
  // Only a rule of this prefix, or of a shorter one, matches the name that equals the prefix: nothing has that name.
  const asked = rules.map((rule) => ({
    Resource: rule.resource,
    Access: rule.access,
    Segment: 'name' in rule ? rule.name : '',
  }));
  const answers = await authorize(client, asked, signal);
  return answers === 'acls-off' ? [] : rules.map((rule, at) => ({ rule, isAllowed: answers[at] === true }));
}
