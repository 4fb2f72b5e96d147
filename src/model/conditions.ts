/** Conditions of objects (Kubernetes, "API Conventions", Typical status properties). */
import { elementsAt, property } from '../support/json.ts';

/** Whether the object has this condition, and it is true. Throws on no input. */
export function isConditionTrue(object: unknown, type: string): boolean {
  const conditions = elementsAt(property(object, 'status'), 'conditions');
  const found = conditions.find((each) => property(each, 'type') === type);
  return property(found, 'status') === 'True';
}
