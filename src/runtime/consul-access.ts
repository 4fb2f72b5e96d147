/** The client of Consul that the flags of a command describe. */
import { consulSettings, type ConsulSettings, type consulFlags } from '../config/consul-settings.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { openConsul, type ConsulOptions, type OpenConsul } from '../consul/client.ts';
import type { AutoJoin } from '../discovery/auto-join.ts';
import { systemClock } from '../kubernetes/system-clock.ts';
import { sleep } from '../support/clock.ts';
import { TandemError } from '../support/errors.ts';
import type { Context } from './context.ts';
import { openCluster, type ClusterOfPods } from './server-pods.ts';
import { tell } from './tell.ts';
import { watchServers } from './watched-servers.ts';

type ConsulAccess = ClusterOfPods &
  Pick<ConsulOptions, 'onRequest' | 'mayWrite' | 'agentServerName'> & {
    readonly signal: AbortSignal;
    /**
     * Reports server pods that are left out or cannot be watched, and a CA that cannot be used.
     *
     * @param message constant
     */
    readonly warn: (message: string, reason: string) => void;
  };

// A list of a few pods takes milliseconds; without it, the first call reports that no server is known, and may be retried.
const FIRST_LIST_MILLISECONDS = 10_000;

/**
 * An auto-join string is watched until the client is closed: its addresses follow the pods.
 *
 * @throws TandemError TANDEM_FILE_UNREADABLE when the CA cannot be read, TANDEM_KUBECONFIG_INVALID when the cluster of an
 *   auto-join string cannot be found
 */
export function openConsulOf(
  values: FlagValues<typeof consulFlags>,
  access: ConsulAccess,
): Promise<OpenConsul> {
  const { addresses, ...settings } = consulSettings(values);
  if ('kind' in addresses) return openWatched(addresses, settings, access);
  return openConsul({ ...settings, addresses: () => addresses, ...shared(access) });
}

async function openWatched(
  autoJoin: AutoJoin,
  settings: Omit<ConsulSettings, 'addresses'>,
  access: ConsulAccess,
): Promise<OpenConsul> {
  let addresses = (): readonly string[] => [];
  const consul = await openConsul({ ...settings, addresses: () => addresses(), ...shared(access) });
  const client = await openCluster(autoJoin, access);
  const servers = watchServers({
    client,
    autoJoin,
    withTls: settings.https,
    onLeft: consul.leave,
    warn: access.warn,
  });
  addresses = servers.addresses;
  await firstList(servers.synced, access.signal);
  return {
    ...consul,
    close: async () => {
      // It may have to log out, and needs the addresses for that.
      await consul.close();
      await servers.stop();
      client.close();
    },
  };
}

async function firstList(synced: Promise<void>, signal: AbortSignal): Promise<void> {
  const waited = new AbortController();
  const limit = AbortSignal.any([signal, waited.signal]);
  await Promise.race([synced, sleep(systemClock, FIRST_LIST_MILLISECONDS, limit)]);
  waited.abort();
}

function shared({ onRequest, mayWrite, agentServerName, warn }: ConsulAccess) {
  return {
    onRequest,
    mayWrite,
    agentServerName,
    onCaProblem: (reason: string) => warn('the new CA of Consul cannot be used; the old one stays', reason),
  };
}

type PersonsValues = FlagValues<typeof consulFlags> & { readonly kubeconfig: string | undefined };

/** For a command that a person waits for: warnings are just text. */
export async function withConsul<T>(
  values: PersonsValues,
  { environment, stderr, signal }: Context,
  use: (consul: OpenConsul) => Promise<T>,
): Promise<T> {
  const consul = await openConsulOf(values, {
    environment,
    kubeconfig: values.kubeconfig,
    signal,
    warn: (message, reason) => tell(stderr, `tandem: ${message}: ${reason}`),
  });
  try {
    return await use(consul);
  } finally {
    await consul.close();
  }
}

/** Undefined, with a line for people, when Consul cannot be asked: what the rules say is worth reading nevertheless. */
export function askConsul<T>(
  values: PersonsValues,
  context: Context,
  ask: (consul: OpenConsul) => Promise<T>,
): Promise<T | undefined> {
  return withConsul(values, context, async (consul) => {
    try {
      return await ask(consul);
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      tell(context.stderr, `tandem explain: Consul was not asked: ${error.message}`);
      return undefined;
    }
  });
}
