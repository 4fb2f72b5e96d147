/** Certificates that all replicas share: a Secret that is watched, a Lease that says who writes it, and the bundle. */
import type { TandemError } from '../support/errors.ts';
import { CA_DAYS, SERVING_DAYS } from '../certificates/generate.ts';
import type { CertificateSource } from '../certificates/key-pair.ts';
import type { RotationTimes, Step } from '../certificates/next-step.ts';
import { rotate, type RotationPorts } from '../certificates/rotation.ts';
import { sharedSource } from '../certificates/shared-source.ts';
import { sharedView } from '../certificates/shared-view.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { sleep, type Clock } from '../support/clock.ts';
import { elect, type ElectionEvent, type LeaseTimes } from '../kubernetes/election.ts';
import { oneObject, type OneObject } from '../kubernetes/one-object.ts';
import { textsOf, writeCertificate, type SecretPlace } from '../kubernetes/owned-object.ts';
import { serverTime } from '../kubernetes/server-time.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import {
  bundlesWrittenAt,
  caBundles,
  MUTATING,
  publishBundle,
  VALIDATING,
} from '../kubernetes/webhook-configuration.ts';
import { aborted } from '../support/aborted.ts';

const DAY = 24 * 60 * 60 * 1000;

/**
 * An API server calls the webhook with the bundle that its own watch has brought it. If that watch breaks at the wrong
 * moment, it tries again within twice the 30 s that are the longest backoff of a reflector (k8s.io/client-go,
 * tools/cache/reflector.go: 800 ms to 30 s, doubled by jitter). A new CA comes every eight months: it can wait.
 */
export const ROTATION_TIMES: RotationTimes = {
  caLife: CA_DAYS * DAY,
  servingLife: SERVING_DAYS * DAY,
  settle: 60_000,
};

export type ClusterCertificatesEvent =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'election'; readonly event: ElectionEvent }
  | { readonly kind: 'failed'; readonly error: TandemError }
  | { readonly kind: 'watch'; readonly failure: WatchFailure };

type ClusterCertificatesOptions = {
  /** Makes a client of the API server, which asks before each write whether it may. */
  readonly open: (mayWrite?: () => boolean) => ApiClient;
  readonly secret: SecretPlace;
  /** Name of the Lease, in the namespace of the Secret. */
  readonly lease: string;
  /** Name of the webhook configuration. */
  readonly configuration: string;
  /** A ValidatingWebhookConfiguration of that name is kept, too. */
  readonly keepsValidating: boolean;
  /** Of this process alone. */
  readonly identity: string;
  readonly hosts: readonly string[];
  readonly times: RotationTimes;
  readonly leaseTimes: LeaseTimes;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onEvent: (event: ClusterCertificatesEvent) => void;
};

export type ClusterCertificates = {
  readonly source: CertificateSource;
  /** Why no admission can succeed here, or undefined. */
  readonly problem: () => string | undefined;
  /** Releases the Lease, and ends the watches and the connections. */
  readonly stop: () => Promise<void>;
};

/** Starts at once; the source has no certificate before the Secret and the webhook configuration are known. */
export function clusterCertificates(options: ClusterCertificatesOptions): ClusterCertificates {
  const { secret: place, configuration: name, hosts, times, clock, random, onEvent } = options;
  const reader = options.open();
  const writer = options.open(() => election.isLeader());
  const { client, now } = serverTime(reader, clock);
  const view = sharedView({ hosts, now, elapsed: clock.elapsed });
  const source = sharedSource(view, times.settle, now, clock.after);
  let changed = Promise.withResolvers<void>();
  const observe = (): void => {
    if (!secret.isKnown() || !configuration.isKnown()) return;
    const published = configuration.current();
    view.take({
      secret: textsOf({ kind: 'Secret' }, secret.current()),
      bundles: caBundles(published),
      alsoKept: caBundles(validating?.current()),
      bundlesWrittenAt: bundlesWrittenAt(published),
    });
    source.update();
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const watch = (path: string, of: string): OneObject =>
    oneObject({
      client,
      path,
      name: of,
      clock,
      random,
      onChange: observe,
      onRestart: (failure) => onEvent({ kind: 'watch', failure }),
    });
  const secret = watch(`/api/v1/namespaces/${place.namespace}/secrets`, place.name);
  const configuration = watch(MUTATING, name);
  // Nothing waits for it: without rights or answers for it, pods are injected nevertheless.
  const validating = options.keepsValidating ? watch(VALIDATING, name) : undefined;

  const objects = { secret, configuration, validating, place };
  const ports = rotationPorts(objects, { writer, clock, observe, changed: () => changed.promise });
  const election = elect({
    client,
    namespace: place.namespace,
    name: options.lease,
    identity: options.identity,
    clock,
    random,
    times: options.leaseTimes,
    onEvent: (event) => onEvent({ kind: 'election', event }),
    lead: ({ signal }) =>
      rotate(
        {
          view,
          ports,
          hosts,
          times,
          random,
          onStep: (step) => onEvent({ kind: 'step', step }),
          onFailure: (error) => onEvent({ kind: 'failed', error }),
        },
        signal,
      ),
  });
  return {
    source,
    problem: source.problem,
    stop: async () => {
      await election.stop();
      source.close();
      await Promise.all([secret.stop(), configuration.stop(), validating?.stop()]);
      reader.close();
      writer.close();
    },
  };
}

type Ports = {
  readonly writer: Parameters<typeof writeCertificate>[0];
  readonly clock: Clock;
  /** What the objects say now is taken. */
  readonly observe: () => void;
  /** Resolves when it was taken again. */
  readonly changed: () => Promise<void>;
};

type Objects = {
  readonly secret: OneObject;
  readonly configuration: OneObject;
  readonly validating: OneObject | undefined;
  readonly place: SecretPlace;
};

function rotationPorts(
  { secret, configuration, validating, place }: Objects,
  { writer, clock, observe, changed }: Ports,
): RotationPorts {
  return {
    refresh: async (signal) => {
      await Promise.race([Promise.all([secret.refresh(), configuration.refresh()]), aborted(signal)]);
      if (!signal.aborted) observe();
    },
    secret: () => {
      const object = secret.current();
      return {
        texts: textsOf({ kind: 'Secret' }, object),
        replace: (texts, signal) => writeCertificate(writer, place, object, texts, signal),
      };
    },
    publish: async (bundle, signal) => {
      const all = [
        [MUTATING, configuration.current()],
        [VALIDATING, validating?.current()],
      ] as const;
      for (const [collection, found] of all) {
        if (caBundles(found).every((each) => each === bundle)) continue;
        const outcome = await publishBundle(writer, collection, found, bundle, signal);
        if (outcome === 'conflict') return outcome;
      }
      return 'written';
    },
    changed: async (milliseconds, signal) => {
      const waiting = new AbortController();
      await Promise.race([changed(), sleep(clock, milliseconds, AbortSignal.any([signal, waiting.signal]))]);
      waiting.abort();
    },
  };
}
