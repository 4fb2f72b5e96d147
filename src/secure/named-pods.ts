/** Injected pods as the plan names them. */
import { hasEnded } from '../model/object-status.ts';
import { asString, property } from '../support/json.ts';
import { firstOf } from '../support/listed.ts';

/** `namespace/name`; undefined for a pod that has come to its end. Throws on no input. */
export function runningPod(raw: unknown): string | undefined {
  if (hasEnded(raw)) return undefined;
  const metadata = property(raw, 'metadata');
  return `${asString(property(metadata, 'namespace'))}/${asString(property(metadata, 'name'))}`;
}

// The plan is for people.
const NAMED_PODS = 10;

/** The first of these names, or sentences on pods, in order, and how many more there are. */
export function firstPods(names: readonly string[]): readonly string[] {
  return firstOf(
    names.toSorted(),
    NAMED_PODS,
    (name) => name,
    (left) => `${left} more pods`,
  );
}
