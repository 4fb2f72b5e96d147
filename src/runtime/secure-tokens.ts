/** ACL tokens of injected pods that are gone: `tandem secure` has the right to delete them, and nobody else needs it. */
import type { InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { readInjectedPod } from '../catalog/mesh/registered-pod.ts';
import type { ConsulCalls } from '../consul/client.ts';
import { podTokens } from '../consul/pod-tokens.ts';
import { createPodSnapshot, type Touched } from '../controllers/pod-snapshot.ts';
import { runTokenLoop } from '../controllers/token-loop.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import { watchResource } from '../kubernetes/watch-resource.ts';
import { INJECTED, STATUS } from '../model/kubernetes-names.ts';
import { createTokenReporter, tokensStatus } from '../reporting/token-reporter.ts';
import { podMethodNames } from '../secure/pod-auth-method.ts';
import type { SecureSettings } from '../secure/secure-settings.ts';
import { aborted } from '../support/aborted.ts';
import { TandemError } from '../support/errors.ts';
import { createListeners } from '../support/listeners.ts';
import { secret } from '../support/secret.ts';
import type { Log } from '../telemetry/logger.ts';
import { logRestart } from './log-restart.ts';
import type { SecureView } from './open-secure-view.ts';
import { withinRefresh } from './within-refresh.ts';

type TokenParts = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly settings: SecureSettings;
  readonly view: SecureView;
  readonly log: Log;
  /** The status has changed. */
  readonly changed: () => void;
};

// Every end of a pod is an event; this interval is for pods whose end nobody saw.
const RESYNC = 10 * 60_000;

export function secureTokens({ client, settings, view, log, changed }: TokenParts) {
  const { owner } = settings;
  const snapshot = createPodSnapshot({ owner, namesFollowServices: false, podsLogIn: false });
  const { tell, onChange } = createListeners<[touched: Touched]>();
  const pods = watchResource<InjectedPod>({
    client,
    ...systemRuntime,
    path: '/api/v1/pods',
    query: { labelSelector: `${STATUS}=${INJECTED}` },
    read: readInjectedPod,
    onChange: (_key, before, after) => tell(snapshot.podChanged(before, after)),
    onRestart: (failure) => logRestart(log, failure),
  });
  const reporter = createTokenReporter({ log, now: Date.now, changed });
  const source = {
    snapshot,
    onChange,
    synced: async (signal: AbortSignal): Promise<void> => {
      await Promise.race([Promise.all([pods.synced, view.aclsKnown]), aborted(signal)]);
    },
    refresh: (signal: AbortSignal) => withinRefresh(pods.relist(), signal),
  };
  const tokens = podTokens(managementClient(view), podMethodNames(settings));
  return {
    lead: (term: AbortSignal): Promise<void> =>
      runTokenLoop(
        { source, tokens, reporter, ...systemRuntime },
        { owner, resync: RESYNC, dryRun: false },
        term,
      ),
    status: () => tokensStatus(reporter.state()),
    stop: () => pods.stop(),
  };
}

/** With the management token, at the servers that answered last. */
function managementClient({ seen, consul }: SecureView): ConsulCalls {
  return {
    call: async (what) => {
      const { place, objects } = seen();
      const { token } = objects.bootstrap;
      if (place === undefined || token === undefined)
        throw new TandemError('TANDEM_CONSUL_UNAVAILABLE', 'no Consul server answers');
      return consul.at(place, secret(token)).call(what);
    },
  };
}
