/** Which datacenter this is, and which one keeps the config entries of all of them. */
import { listOf, textIs } from '../model/decode-consul.ts';
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';
import { jsonOf } from './answer.ts';
import type { ConsulCalls } from './client.ts';
import { read } from './read.ts';
import { untilStopped } from './until-stopped.ts';

type ConsulDatacenters = {
  readonly datacenter: string;
  /** Undefined when it is this one. */
  readonly primary: string | undefined;
};

type Known = {
  readonly datacenter: string | undefined;
  readonly primaryDatacenter: string | undefined;
};

/**
 * Asks until there is an answer.
 *
 * @returns undefined when the signal is aborted before
 */
export async function consulDatacenters(
  client: ConsulCalls,
  known: Known,
  failed: (error: unknown, retryMilliseconds: number) => void,
  signal: AbortSignal,
): Promise<ConsulDatacenters | undefined> {
  const ending = new AbortController();
  const until = AbortSignal.any([signal, ending.signal]);
  let found: ConsulDatacenters | undefined;
  await untilStopped({ signal: until, random: Math.random, onFailure: failed }, async () => {
    found = await consulDatacentersOnce(client, known, until);
    ending.abort();
  });
  return found;
}

/**
 * The same, asked once. An agent describes itself only to those with the right to read it; everybody may list the datacenters.
 *
 * @throws TandemError when there is no answer
 */
export async function consulDatacentersOnce(
  client: ConsulCalls,
  { datacenter, primaryDatacenter }: Known,
  signal: AbortSignal,
): Promise<ConsulDatacenters> {
  const self = await readSelf(client, signal);
  const here = datacenter ?? self?.datacenter ?? (await onlyDatacenter(client, signal));
  const primary = primaryDatacenter ?? self?.primary;
  return { datacenter: here, primary: primary === here ? undefined : primary };
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
  const what = { endpoint: 'other', path: '/v1/catalog/datacenters', decode: listOf(textIs) } as const;
  const { value: names } = await read(client, what, { signal });
  const [name] = names;
  if (name !== undefined && names.length === 1) return name;
  throw new TandemError(
    'TANDEM_CONSUL_FORBIDDEN',
    `Consul has the datacenters ${names.join(', ')}, and the token may not read which one this is; set --consul-datacenter and --consul-primary-datacenter, or give it agent_prefix "" { policy = "read" }`,
  );
}
