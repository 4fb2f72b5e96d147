/** The client of Consul that the flags of a command describe. */
import { consulSettings, type consulFlags } from '../config/consul-settings.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { openConsul, type ConsulClient, type ConsulOptions } from '../consul/client.ts';

/** @throws TandemError TANDEM_FILE_UNREADABLE when the CA cannot be read */
export function openConsulOf(
  values: FlagValues<typeof consulFlags>,
  onRequest?: ConsulOptions['onRequest'],
): Promise<ConsulClient> {
  const { addresses, ...settings } = consulSettings(values);
  return openConsul({
    ...settings,
    addresses: () => addresses,
    ...(onRequest === undefined ? {} : { onRequest }),
  });
}
