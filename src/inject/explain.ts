/** Whether an existing pod was injected, and if not, what the rules say about it now. */
import type { Problem } from '../model/problem.ts';
import { asObject, property } from '../support/json.ts';
import { mustBeString } from '../support/text.ts';
import { annotationName } from './annotations.ts';
import { hasSidecar, injectionClaims } from './claims.ts';
import { decide, type DecideSettings } from './decide.ts';
import { readInjection } from './injected-pod.ts';
import { skipReasons, toldWarnings, type SkipReason } from './result.ts';

export type InjectionExplanation =
  | { readonly kind: 'injected'; readonly mode: 'agent' | 'dataplane' }
  /** It claims to be injected and has a proxy, which is not ours. */
  | { readonly kind: 'by-others' }
  | {
      readonly kind: 'skip';
      readonly reason: SkipReason;
      readonly meaning: string;
      /** What its author most likely did not mean. */
      readonly warnings: readonly string[];
    }
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
      return {
        kind: 'skip',
        reason: decision.reason,
        meaning: skipReasons[decision.reason],
        warnings: toldWarnings(decision.warnings),
      };
    case 'invalid':
      return decision;
    case 'inject': {
      const problem = unquotedAnnotation(pod);
      return problem === undefined ? { kind: 'wanted' } : { kind: 'invalid', problem };
    }
  }
}

/** The first of a pod in a file; no API server has one. */
function unquotedAnnotation(pod: unknown): Problem | undefined {
  const annotations = asObject(property(property(pod, 'metadata'), 'annotations'));
  const found = Object.entries(annotations).find(
    ([key, value]) => annotationName(key) !== undefined && typeof value !== 'string',
  );
  if (found === undefined) return undefined;
  const [at, value] = found;
  return {
    at,
    message: `${mustBeString(value)} (the API server refuses it)`,
  };
}
