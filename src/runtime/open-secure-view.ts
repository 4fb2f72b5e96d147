/** Everything that `tandem secure` watches and reads, as one view that is read again before each step. */
import type { SecureValues } from '../config/secure-flags.ts';
import { openCaFile } from '../consul/ca-file.ts';
import { secureConsul, type SecureConsul } from '../consul/secure-consul.ts';
import type { ApiClient, ClusterAccess } from '../kubernetes/api-client.ts';
import { oneObject } from '../kubernetes/one-object.ts';
import { collectionOf } from '../kubernetes/owned-object.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import { tokenSigners } from './published-keys.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { watchResource } from '../kubernetes/watch-resource.ts';
import type { Watched } from '../controllers/watched.ts';
import { changeSignal } from '../reporting/change-signal.ts';
import { certificatesIn } from '../support/known-certificate.ts';
import type { Memory, SecureObserved } from '../secure/observed.ts';
import type { AgentKind, SecureSettings } from '../secure/secure-settings.ts';
import { needsSigners } from '../secure/pod-auth-method.ts';
import type { TokenSigners } from '../secure/token-signers.ts';
import { bundleOf } from '../secure/signing-ca.ts';
import { aborted } from '../support/aborted.ts';
import type { Log } from '../telemetry/logger.ts';
import type { SecureMetrics } from '../telemetry/secure-metrics.ts';
import { logRestart } from './log-restart.ts';
import { observeReviewers } from './observed-reviewers.ts';
import { secureObjects, watchedPlaces } from './secure-objects.ts';
import type { LastLook } from './secure-steps.ts';
import { observeConsul, observeSecureAgents, readAgentPod, type AgentPod } from './secure-view.ts';

/** An event is about an object, or about the pods of the agents, whose list is awaited. */
export type SecureView = Omit<Watched<[]>, 'refresh'> & {
  readonly observe: (memory: Memory, signal: AbortSignal) => Promise<SecureObserved>;
  readonly seen: () => LastLook;
  /** Resolves when Consul knows our management token. */
  readonly aclsKnown: Promise<void>;
  readonly objects: ReturnType<typeof secureObjects>;
  readonly consul: SecureConsul;
  readonly pods: () => readonly AgentPod[];
  readonly isSynced: () => boolean;
  readonly stop: () => Promise<void>;
};

type ViewParts = {
  readonly settings: SecureSettings;
  readonly values: SecureValues;
  /** Of the client. */
  readonly access: ClusterAccess;
  readonly client: ApiClient;
  readonly metrics: SecureMetrics;
  readonly log: Log;
  readonly mayWrite: () => boolean;
};

/** @throws TandemError TANDEM_FILE_UNREADABLE when the CA of external servers cannot be used */
export async function openSecureView(parts: ViewParts): Promise<SecureView> {
  const { settings, values, access, client, metrics, log, mayWrite } = parts;
  const { consulCaFile: caFile } = values;
  const onCaProblem = (reason: string): void =>
    log('warn', 'the new CA of Consul cannot be used; the old one stays', { reason });
  const ca = caFile === undefined ? undefined : await openCaFile(caFile, onCaProblem);
  const objects = secureObjects(client, settings);
  let seen: LastLook | undefined;
  const aclsKnown = Promise.withResolvers<void>();
  const own = { kind: 'own', trusted: () => trustedCas(seen) } as const;
  const consul = secureConsul({
    trust: settings.external === undefined ? own : { kind: 'usual', ca: ca?.current },
    onRequest: ({ endpoint, status }) => metrics.consulRequest(endpoint, status),
    mayWrite,
  });
  const { changed, onChange } = changeSignal();
  const common = {
    client,
    ...systemRuntime,
    onRestart: (failure: WatchFailure) => logRestart(log, failure),
  };
  const watched = watchedPlaces(settings).map((place) =>
    oneObject({ ...common, path: collectionOf(place), name: place.name, onChange: changed }),
  );
  const pods = podSelectors(values).map(({ kind, selector }) => ({
    kind,
    watch: watchResource<AgentPod>({
      ...common,
      path: `/api/v1/namespaces/${settings.namespace}/pods`,
      query: { labelSelector: selector },
      read: readAgentPod,
      onChange: changed,
    }),
  }));
  const observe: SecureView['observe'] = async (memory, signal) => {
    const now = Date.now();
    const read = await objects.read(now, signal);
    // The clean-up after pods continues meanwhile, with the servers that answered last.
    seen = { now, objects: read, place: seen?.place };
    const known = pods.flatMap(({ kind, watch }) => [...watch.values()].map((pod) => ({ kind, pod })));
    const agents = await observeSecureAgents(consul, settings, known, read, signal);
    const { acl, keyring, place } = await observeConsul(consul, settings, agents, read, signal);
    if (acl.kind === 'known') aclsKnown.resolve();
    const [signers, reviewers] = await Promise.all([
      needsSigners(settings, acl) ? tokenSigners(client, signal) : NOBODY_ASKS,
      observeReviewers(access, settings, { acl, now }, signal),
    ]);
    seen = { now, objects: read, place };
    return { ...read, now, agents, acl, keyring, signers, reviewers, memory };
  };
  return {
    observe,
    seen: () => {
      if (seen === undefined) throw new Error('nothing was observed');
      return seen;
    },
    aclsKnown: aclsKnown.promise,
    objects,
    consul,
    pods: () => pods.flatMap(({ watch }) => [...watch.values()]),
    synced: async (signal) => {
      await Promise.race([Promise.all(pods.map(({ watch }) => watch.synced)), aborted(signal)]);
    },
    isSynced: () => pods.every(({ watch }) => watch.status().isSynced),
    onChange,
    stop: async () => {
      await Promise.all([...watched, ...pods.map(({ watch }) => watch)].map((each) => each.stop()));
      ca?.close();
      await consul.close();
    },
  };
}

/** PEM of the CAs by which agents are recognized. */
function trustedCas(seen: LastLook | undefined): readonly string[] {
  const { state, publishedCa = '' } = seen?.objects ?? {};
  // Without its own Secret, the loop has nothing else to recognize agents by.
  const bundle = state === undefined ? publishedCa : bundleOf(state);
  return certificatesIn(bundle).map(({ pem }) => pem);
}

const NOBODY_ASKS: TokenSigners = { kind: 'unknown', why: 'nobody asks' };

function podSelectors({
  serverSelector = '',
  clientSelector,
}: SecureValues): readonly { readonly kind: AgentKind; readonly selector: string }[] {
  // External servers are not pods.
  if (serverSelector === '') return [];
  const server = { kind: 'server' as const, selector: serverSelector };
  return clientSelector === '' ? [server] : [server, { kind: 'client', selector: clientSelector }];
}
