/** Annotations of pods that stand on the workload, where they do nothing. */
import { isObject, property } from '../support/json.ts';
import { quote } from '../support/text.ts';
import { annotationName } from './annotations.ts';
import type { Warning } from './result.ts';

/**
 * A warning for each annotation of ours on the workload that its pod template does not have too.
 *
 * @param ownAnnotations of the workload
 * @param metadata of its pod template
 */
export function misplacedAnnotations(ownAnnotations: unknown, metadata: unknown): readonly Warning[] {
  if (!isObject(ownAnnotations)) return [];
  const annotations = property(metadata, 'annotations');
  return Object.keys(ownAnnotations)
    .filter((name) => annotationName(name) !== undefined && property(annotations, name) === undefined)
    .map((name) => ({
      reason: 'wrong-place',
      at: 'metadata.annotations',
      message: `${quote(name)} is on the workload, and its pods do not get it; put it under metadata.annotations of the pod template`,
    }));
}
