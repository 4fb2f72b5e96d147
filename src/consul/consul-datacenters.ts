/** Which datacenter this is, and which one keeps the config entries of all of them. */
import { textIs, listAt } from '../model/decode-consul.ts';
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';
import { jsonOf } from './answer.ts';
import type { ConsulCalls } from './client.ts';
import { untilStopped } from './until-stopped.ts';

export type ConsulDatacenters = {
  readonly datacenter: string;
  /** Undefined when it is this one. */
  readonly primary: string | undefined;
};

type Known = {
  readonly datacenter: string | undefined;
  readonly primaryDatacenter: string | undefined;
};

/**
 * Asks until there is an answer. An agent tells only those with the right to read it, the list of datacenters everybody.
 *
 * @returns undefined when the signal is aborted before
 */
export async function consulDatacenters(
  client: ConsulCalls,
  { datacenter, primaryDatacenter }: Known,
  failed: (error: unknown, retryMilliseconds: number) => void,
  signal: AbortSignal,
): Promise<ConsulDatacenters | undefined> {
  const ending = new AbortController();
  const until = AbortSignal.any([signal, ending.signal]);
  let found: ConsulDatacenters | undefined;
  await untilStopped({ signal: until, random: Math.random, onFailure: failed }, async () => {
    const self = await readSelf(client, until);
    const here = datacenter ?? self?.datacenter ?? (await onlyDatacenter(client, until));
    const primary = primaryDatacenter ?? self?.primary;
    found = { datacenter: here, primary: primary === here ? undefined : primary };
    ending.abort();
  });
  return found;
}

/** The same, asked once. @throws TandemError when there is no answer */
export async function consulDatacentersOnce(
  client: ConsulCalls,
  known: Known,
  signal: AbortSignal,
): Promise<ConsulDatacenters> {
  const ending = new AbortController();
  const until = AbortSignal.any([signal, ending.signal]);
  const found = await consulDatacenters(client, known, (error) => ending.abort(error), until);
  if (found === undefined) throw until.reason;
  return found;
}

type Self = { readonly datacenter: string | undefined; readonly primary: string | undefined };

function readSelf(client: ConsulCalls, signal: AbortSignal): Promise<Self | undefined> {
  return client.call<Self | undefined>({
    endpoint: 'agent-read',
    method: 'GET',
    path: '/v1/agent/self',
    accept: [403],
    signal,
    read: (raw) => {
      if (raw.status === 403) return undefined;
      const config = property(jsonOf(raw), 'Config');
      return {
        datacenter: asString(property(config, 'Datacenter')) || undefined,
        primary: asString(property(config, 'PrimaryDatacenter')) || undefined,
      };
    },
  });
}

async function onlyDatacenter(client: ConsulCalls, signal: AbortSignal): Promise<string> {
  const names = await client.call<readonly string[]>({
    endpoint: 'other',
    method: 'GET',
    path: '/v1/catalog/datacenters',
    signal,
    read: (raw) => listAt(jsonOf(raw), 'answer', textIs),
  });
  const [name] = names;
  if (name !== undefined && names.length === 1) return name;
  throw new TandemError(
    'TANDEM_CONSUL_FORBIDDEN',
    `Consul has the datacenters ${names.join(', ')}, and the token may not read which one this is; set --consul-datacenter and --consul-primary-datacenter, or give it agent_prefix "" { policy = "read" }`,
  );
}
