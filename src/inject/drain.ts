/**
 * The pause between the deletion of a pod and the SIGTERM of its application (`preStop: {sleep}`, Kubernetes 1.30 and
 * newer). In it the pod is critical in Consul and still answers, so that clients move on without losing a request.
 */
import type { JsonObject } from '../support/json.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import type { Container, Pod } from './pod.ts';
import { create, type Growth } from './pod-edit.ts';
import type { InjectSettings } from './settings.ts';

const ANNOTATION = 'tandem/drain-seconds';

// Wide enough for any sensible terminationGracePeriodSeconds; the pause is cut to a third of it anyway.
const BOUNDS = { min: 0, max: 86_400 };

// The rest of the grace period belongs to the application, which ends its open requests after SIGTERM.
const PART_OF_GRACE = 3;

/**
 * Seconds of the pause; 0 is none. A pod without a port is a client only and gets none, unless its annotation asks: no client has
 * to switch away from it.
 */
export function readDrainSeconds(
  pod: Pod,
  reader: AnnotationReader,
  port: number | undefined,
  { drainSeconds }: InjectSettings,
): number {
  const isAsked = reader.text(ANNOTATION) !== undefined;
  const byDefault = port === undefined ? 0 : (drainSeconds ?? 0);
  const wanted = reader.wholeNumber(ANNOTATION, byDefault, BOUNDS);
  if (drainSeconds === undefined) {
    if (isAsked && wanted > 0)
      reader.warn(
        'no-effect',
        ANNOTATION,
        'has no effect: the API server is older than Kubernetes 1.30, or unknown',
      );
    return 0;
  }
  const most = Math.max(0, Math.floor(pod.graceSeconds / PART_OF_GRACE));
  if (isAsked && wanted > most)
    reader.warn(
      'shortened',
      ANNOTATION,
      `${wanted} is more than a third of terminationGracePeriodSeconds (${pod.graceSeconds}), so it is ${most}`,
    );
  return Math.min(wanted, most);
}

/** An author's own `preStop` stays as it is. */
export function drainGrowth(container: string, { lifecycle, preStop }: Container, seconds: number): Growth {
  const path = `${container}/lifecycle`;
  if (seconds === 0 || preStop === 'present') return { path, edits: [] };
  const edit =
    lifecycle === 'present'
      ? create(`${path}/preStop`, preStop, sleepHook(seconds))
      : create(path, lifecycle, { preStop: sleepHook(seconds) });
  return { path, edits: [edit] };
}

/** The field `lifecycle` of a container that waits; no field for 0 seconds. */
export function lifecycleField(seconds: number): JsonObject {
  return seconds === 0 ? {} : { lifecycle: { preStop: sleepHook(seconds) } };
}

function sleepHook(seconds: number): JsonObject {
  return { sleep: { seconds } };
}

/**
 * How long a classic sidecar keeps running: it is asked to stop together with the application, whose requests it carries. It waits for
 * the application's pause, and as long again for open requests. A native sidecar outlives the application anyway.
 */
export function classicSidecarSeconds(drainSeconds: number): number {
  return 2 * drainSeconds;
}
