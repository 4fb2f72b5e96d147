/** Whether a pod that is there was injected, and if not, what the rules say of it now. */
import { hasSidecar, injectionClaims } from './claims.ts';
import { decide, type DecideSettings } from './decide.ts';
import { readInjection } from './injected-pod.ts';
import { skipReasons, type Problem, type SkipReason } from './result.ts';

export type InjectionExplanation =
  | { readonly kind: 'injected'; readonly mode: 'agent' | 'dataplane' }
  /** It says so and has a proxy, which is none of ours. */
  | { readonly kind: 'by-others' }
  | { readonly kind: 'skip'; readonly reason: SkipReason; readonly meaning: string }
  | { readonly kind: 'invalid'; readonly problem: Problem }
  /** It would get a sidecar if it were created now. */
  | { readonly kind: 'wanted' };

/** @param pod as the API server has it, or as a manifest does */
export function explainInjection(
  pod: unknown,
  namespace: string,
  settings: DecideSettings,
): InjectionExplanation {
  const { kind } = readInjection(pod);
  if (injectionClaims(pod).length > 0) {
    if (kind === 'agent' || kind === 'dataplane') return { kind: 'injected', mode: kind };
    if (hasSidecar(pod)) return { kind: 'by-others' };
  }
  const decision = decide({ kind: 'v1/Pod', operation: 'CREATE', namespace, object: pod }, settings);
  switch (decision.kind) {
    case 'skip':
      return { kind: 'skip', reason: decision.reason, meaning: skipReasons[decision.reason] };
    case 'invalid':
      return decision;
    case 'inject':
      return { kind: 'wanted' };
  }
}
