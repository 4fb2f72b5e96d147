/** What the webhook may write into pods, which depends on the version of the API server. */
import { setTimeout as delay } from 'node:timers/promises';
import type { InCluster } from '../kubernetes/in-cluster.ts';
import { readServerVersion, type ServerVersion } from '../kubernetes/server-version.ts';
import { hasCode, TandemError } from '../support/errors.ts';
import type { Log } from '../telemetry/logger.ts';

export type ClusterFeatures = {
  /** Init containers with `restartPolicy: Always`. */
  readonly nativeSidecar: boolean;
  /** No pod may have one, whatever it asks for. */
  readonly lacksNativeSidecar?: true;
  /** `preStop: {sleep}`. */
  readonly preStopSleep: boolean;
};

/**
 * An API server before 1.29 drops the restart policy of an init container, and the pod would wait for it forever; one
 * before 1.30 drops `sleep` and then denies the pod for a `preStop` without an action. (Feature gates SidecarContainers
 * and PodLifecycleSleepAction, on by default from these versions.) Outside a cluster nothing is asked, and both are on.
 *
 * @param cluster undefined outside a cluster
 * @param patience milliseconds for an API server that does not answer
 */
export async function readClusterFeatures(
  wanted: { readonly nativeSidecar: 'auto' | 'on' | 'off'; readonly drainSeconds: number },
  cluster: InCluster | undefined,
  log: Log,
  patience = PATIENCE,
): Promise<ClusterFeatures> {
  const isDecided = wanted.nativeSidecar !== 'auto';
  const native = (auto: boolean): boolean => (isDecided ? wanted.nativeSidecar === 'on' : auto);
  if (cluster === undefined) return { nativeSidecar: native(true), preStopSleep: true };
  try {
    const version = await readPatiently(cluster, patience);
    const isLacking = wanted.nativeSidecar !== 'on' && !isFrom(version, 29);
    const features = {
      nativeSidecar: native(isFrom(version, 29)),
      ...(isLacking ? { lacksNativeSidecar: true as const } : {}),
      preStopSleep: isFrom(version, 30),
    };
    log('info', 'API server version', { ...version, ...features });
    return features;
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    if (!isDecided)
      log(
        'warn',
        'native sidecars are off, because the version of the API server is not known; set --native-sidecar=on or off',
        {
          error: error.message,
        },
      );
    if (wanted.drainSeconds > 0)
      log('warn', 'pods get no drain, because the version of the API server is not known', {
        error: error.message,
      });
    return { nativeSidecar: native(false), preStopSleep: false };
  }
}

// Pods are injected by what comes of it for as long as this process lives: to start late is better. A sixth of what the chart's
// startup probe grants, and no more than a pod has to end.
const PATIENCE = 30_000;
const PAUSE = 1000;

async function readPatiently(cluster: InCluster, patience: number): Promise<ServerVersion> {
  const deadline = performance.now() + patience;
  for (;;) {
    try {
      return await readServerVersion(cluster);
    } catch (error) {
      const isSilent = hasCode(error, 'TANDEM_KUBERNETES_UNREACHABLE');
      if (!isSilent || performance.now() > deadline) throw error;
      await delay(PAUSE);
    }
  }
}

function isFrom({ major, minor }: ServerVersion, least: number): boolean {
  return major > 1 || minor >= least;
}
