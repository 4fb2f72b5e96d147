/** Dataplane mode: how the sidecar drains, as the flags of consul-dataplane take it. */
import { UNPRIVILEGED_PORTS } from './names.ts';
import type { AnnotationReader } from './annotation-reader.ts';

export type Lifecycle = {
  readonly drainListeners: boolean;
  readonly shutdownGraceSeconds: number;
  readonly startupGraceSeconds: number;
  readonly gracefulPort: number;
  readonly shutdownPath: string;
  readonly startupPath: string;
};

export type LifecycleDefaults = Omit<Lifecycle, 'shutdownGraceSeconds'> & {
  readonly enabled: boolean;
  /** Undefined: the default for the kind of the sidecar. */
  readonly shutdownGraceSeconds: number | undefined;
};

// Wider than anything sensible, narrow enough for the int32 fields of the Kubernetes API.
export const ANY_COUNT = { min: 0, max: 2 ** 31 - 1 };

// A classic sidecar gets SIGTERM together with the application, whose last requests need it; a native one after the
// application has ended, and would only delay the end of the pod.
const CLASSIC_GRACE_SECONDS = 30;

/** Undefined: nothing drains. */
export function readLifecycle(
  reader: AnnotationReader,
  defaults: LifecycleDefaults,
  nativeSidecar: boolean,
): Lifecycle | undefined {
  const enabled = reader.boolean('enable-sidecar-proxy-lifecycle', defaults.enabled);
  const lifecycle = {
    drainListeners: reader.boolean(
      'enable-sidecar-proxy-lifecycle-shutdown-drain-listeners',
      defaults.drainListeners,
    ),
    shutdownGraceSeconds: reader.wholeNumber(
      'sidecar-proxy-lifecycle-shutdown-grace-period-seconds',
      defaults.shutdownGraceSeconds ?? (nativeSidecar ? 0 : CLASSIC_GRACE_SECONDS),
      ANY_COUNT,
    ),
    startupGraceSeconds: reader.wholeNumber(
      'sidecar-proxy-lifecycle-startup-grace-period-seconds',
      defaults.startupGraceSeconds,
      ANY_COUNT,
    ),
    gracefulPort: reader.wholeNumber(
      'sidecar-proxy-lifecycle-graceful-port',
      defaults.gracefulPort,
      UNPRIVILEGED_PORTS,
    ),
    shutdownPath: reader.path('sidecar-proxy-lifecycle-graceful-shutdown-path', defaults.shutdownPath),
    startupPath: reader.path('sidecar-proxy-lifecycle-graceful-startup-path', defaults.startupPath),
  };
  return enabled ? lifecycle : undefined;
}
