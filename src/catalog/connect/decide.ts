/** Whether a pod is in Consul by the registrar, and why not. */
import type { InjectedPod } from './pod.ts';

/** The closed vocabulary: what `/status` says of a pod, and the reason of the Event where somebody should mend something. */
export const podReasons = {
  registered: 'dataplane mode: the registrar keeps the pod in the catalog',
  'agent-mode': 'agent mode: the pod registers itself, and the registrar removes what outlives it',
  'no-record': 'the annotation tandem/injected is missing or damaged: the pod was not injected by Tandem',
  'not-scheduled': 'the pod has no node and no addresses yet',
  finished: 'the pod has ended: completed, failed or evicted',
  lost: 'the node of the pod does not answer',
  'invalid-annotations': 'the annotations of the pod were changed into something that cannot be registered',
  'id-taken': 'Consul has an instance under this id that belongs to somebody else; it is not touched',
} as const;

export type PodReason = keyof typeof podReasons;

/**
 * | pod | answer |
 * | --- | --- |
 * | without a record of the webhook | no-record |
 * | finished | finished |
 * | its node lost | lost |
 * | agent mode | agent-mode |
 * | no node name, host IP or pod IP | not-scheduled |
 * | annotations that the webhook would have denied | invalid-annotations |
 * | otherwise, terminating too | registered |
 */
export function decidePod({ mode, stage, node, hostIp, podIp, mesh }: InjectedPod): PodReason {
  if (mode === undefined) return 'no-record';
  if (stage === 'finished' || stage === 'lost') return stage;
  if (mode === 'agent') return 'agent-mode';
  if (node === undefined || hostIp === undefined || podIp === undefined) return 'not-scheduled';
  return mesh.ok ? 'registered' : 'invalid-annotations';
}
