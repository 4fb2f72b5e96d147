/** The answer to a pod. The pods of a workload look the same to the engine, so they share a cached answer. */
import type { InjectRequest } from '../inject/decide.ts';
import { injectPod, readRequest } from '../inject/inject.ts';
import type { Pod } from '../inject/pod.ts';
import type { InjectResult, Warning } from '../inject/result.ts';
import type { InjectSettings } from '../inject/settings.ts';
import { keptBy, seenBefore } from '../support/kept.ts';
import { patchInBase64 } from '../support/shared-json.ts';

export type PodAdmission =
  | Exclude<InjectResult, { readonly kind: 'inject' }>
  | {
      readonly kind: 'inject';
      /** The JSON patch, in base64. */
      readonly patch: string;
      readonly warnings: readonly Warning[];
    };

// Characters of what is read of a pod with a dozen containers and their probes.
const LONGEST_KEY = 4000;
// Twice a usual patch. Strangers decide what a hundred pods ask for: 2.4 MB of patches for the settings of one path. With their
// keys and those of the four hundred pods that were seen (two bytes a character if one is not Latin), 6.4 MB at most. Denials of
// that size would take twice as much as patches.
const LARGEST = 24_000;

const keep = keptBy<PodAdmission>({
  longestKey: LONGEST_KEY,
  fits: (admission) => JSON.stringify(admission).length <= LARGEST,
});

const isSeen = seenBefore(LONGEST_KEY);

/**
 * The same answer as the engine's. A cached answer depends only on its key and on the settings, so it can contain nothing
 * else of the pod that came first.
 */
export function admitPod(request: InjectRequest, settings: InjectSettings): PodAdmission {
  const read = readRequest(request, settings);
  if (read.kind !== 'pod') return read;
  const key = keyOf(read.pod);
  if (key === undefined || !isSeen(settings, key)) return made(read.pod, settings);
  return keep(settings, key, () => made(JSON.parse(key) as Pod, settings));
}

function made(pod: Pod, settings: InjectSettings): PodAdmission {
  const result = injectPod(pod, settings);
  return result.kind === 'inject' ? { ...result, patch: patchInBase64(result.patch) } : result;
}

/** Undefined for a pod that is not the same when it is read back: its answer cannot be cached. */
function keyOf(pod: Pod): string | undefined {
  try {
    const text = JSON.stringify(pod);
    // 1e999 is read as Infinity, which is written as null.
    return /[:,[]null/.test(text) ? undefined : text;
  } catch {
    // Thousands of levels deep: writing it out overflows the stack.
    return undefined;
  }
}
