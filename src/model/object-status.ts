/** What the status of an object says (Kubernetes, "API Conventions", Typical status properties). */
import { elementsAt, property } from '../support/json.ts';

/** Whether the object has this condition, and it is true. Throws on no input. */
export function isConditionTrue(object: unknown, type: string): boolean {
  const conditions = elementsAt(property(object, 'status'), 'conditions');
  const found = conditions.find((each) => property(each, 'type') === type);
  return property(found, 'status') === 'True';
}

/** Whether a pod has ended; an evicted one has, too. Throws on no input. */
export function hasEnded(pod: unknown): boolean {
  const phase = property(property(pod, 'status'), 'phase');
  return phase === 'Succeeded' || phase === 'Failed';
}
