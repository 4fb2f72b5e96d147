/** The addresses of Consul that an auto-join string stands for, as they are now. */
import type { AutoJoin } from '../discovery/auto-join.ts';
import { originsOf } from '../discovery/http-origin.ts';
import { podAddress, readServerPod, type ServerPod } from '../discovery/server-pod.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import { watchResource } from '../kubernetes/watch-resource.ts';
import { serverPods } from './server-pods.ts';

type WatchedServers = {
  /** `http://host:port` or `https://host:port`; none before the pods are listed. */
  readonly addresses: () => readonly string[];
  /** Resolves when the pods are listed. */
  readonly synced: Promise<void>;
  readonly stop: () => Promise<void>;
};

type WatchServersOptions = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly autoJoin: AutoJoin;
  /** TLS is asked for, or a CA is configured. */
  readonly withTls: boolean;
  /** Called after the address is no longer among the addresses. */
  readonly onLeft: (address: string) => void;
  /** @param message constant */
  readonly warn: (message: string, reason: string) => void;
};

export function watchServers({
  client,
  autoJoin,
  withTls,
  onLeft,
  warn,
}: WatchServersOptions): WatchedServers {
  let addresses: readonly string[] = [];
  const { hostNetwork } = autoJoin;
  const warningOf = (pod: ServerPod | undefined): string | undefined => {
    const found = pod === undefined ? undefined : podAddress(pod, hostNetwork);
    return found?.kind === 'left-out' ? found.warning : undefined;
  };
  const watch = watchResource({
    ...serverPods(autoJoin),
    client,
    read: readServerPod,
    ...systemRuntime,
    onChange: (_key, before, after) => {
      const warning = warningOf(after);
      if (warning !== undefined && warning !== warningOf(before))
        warn('a Consul server pod is left out', warning);
      const known = addresses;
      addresses = originsOf(watch.values(), { hostNetwork, withTls });
      for (const address of known) if (!addresses.includes(address)) onLeft(address);
    },
    onRestart: ({ error }) => {
      if (error !== undefined) warn('the Consul server pods cannot be watched', error.message);
    },
  });
  return { addresses: () => addresses, synced: watch.synced, stop: watch.stop };
}
