import type { UninjectResult } from './result.ts';

/**
 * The operations that take an injected pod back to what its author wrote.
 *
 * @param pod a pod, or the pod template of a workload (`{ metadata, spec }`)
 */
export function uninject(pod: unknown): UninjectResult {
  throw new Error(`not yet: ${typeof pod}`);
}
