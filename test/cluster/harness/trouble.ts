/** What is not as it should be in a namespace, in sentences: what a log of the suite says when nobody is there to look. */
import { containersOf, isReady, type ClusterEvent, type Pod, type Workload } from './list.ts';

/** What the kubelet says of a container that it cannot start; it tries again, and nearly always in vain. */
const HOPELESS: ReadonlySet<string | undefined> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'CrashLoopBackOff',
]);
/** The scheduler and the controllers try again by themselves; a volume or a quota may take some seconds to be there. */
const PATIENCE_MILLISECONDS = 30_000;
/** A container opens its port a second after its start, or after half a minute when 50 start at once on a busy machine. */
export const LISTENS_MILLISECONDS = 90_000;

/** One sentence for each workload that has not all of its pods Ready and of its newest version; empty when all have. */
export function unready(workloads: readonly Workload[]): readonly string[] {
  return workloads.flatMap(({ kind, metadata: { name, generation }, spec, status = {} }) => {
    const [desired, ready, updated] =
      kind === 'DaemonSet'
        ? [status.desiredNumberScheduled ?? 0, status.numberReady, status.updatedNumberScheduled]
        : [spec.replicas ?? 1, status.readyReplicas, status.updatedReplicas];
    const isObserved = status.observedGeneration === generation;
    if (isObserved && (ready ?? 0) >= desired && (updated ?? 0) >= desired) return [];
    return [`${kind} ${name}: ${ready ?? 0} of ${desired} pods are Ready, ${updated ?? 0} are new`];
  });
}

/**
 * Why waiting on is of no use: each pod that cannot start, and what was refused for long. Empty while there is hope.
 *
 * @param listens milliseconds in which a container has opened its port
 */
export function hopeless(
  pods: readonly Pod[],
  events: readonly ClusterEvent[],
  now: number,
  listens = LISTENS_MILLISECONDS,
): readonly string[] {
  return [
    ...pods.flatMap((pod) => ofPod(pod, now)),
    ...refused(events, now),
    ...deaf(pods, events, now, listens),
  ];
}

function ofPod(pod: Pod, now: number): readonly string[] {
  const { name, deletionTimestamp } = pod.metadata;
  // However it ends.
  if (deletionTimestamp !== undefined) return [];
  const unscheduled = (pod.status.conditions ?? []).find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  const since = Date.parse(unscheduled?.lastTransitionTime ?? '');
  if (unscheduled !== undefined && now - since > PATIENCE_MILLISECONDS)
    return [`pod ${name} finds no node: ${unscheduled.message}`];
  if (pod.status.phase === 'Failed') return [`pod ${name} failed: ${pod.status.message ?? 'see its log'}`];
  return containersOf(pod).flatMap(({ name: container, restartCount, state: { waiting } = {} }) => {
    if (!HOPELESS.has(waiting?.reason)) return [];
    const restarts = restartCount === 0 ? '' : `, ${restartCount} restarts`;
    return [`pod ${name}, container ${container}: ${waiting?.reason}${restarts}: ${waiting?.message}`];
  });
}

/** An admission, a quota or a rule of the API server keeps a controller from making its pods. */
function refused(events: readonly ClusterEvent[], now: number): readonly string[] {
  return events
    .filter(({ reason }) => reason === 'FailedCreate')
    .filter((event) => {
      const first = Date.parse(event.firstTimestamp ?? '');
      // It would have been made since: controllers wait longer from one try to the next.
      return timeOf(event) - first > PATIENCE_MILLISECONDS && now - timeOf(event) < PATIENCE_MILLISECONDS;
    })
    .map(({ involvedObject, message }) => `${involvedObject.kind} ${involvedObject.name}: ${message}`);
}

/** Nothing listens at the port of a probe: whatever serves opens its port soon, ready or not. */
function deaf(
  pods: readonly Pod[],
  events: readonly ClusterEvent[],
  now: number,
  listens: number,
): readonly string[] {
  const late = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !isReady(pod));
  const since = new Map(late.map((pod) => [pod.metadata.name, startOf(pod)]));
  return events
    .filter(({ message = '' }) => /^Readiness probe failed: .* connection refused$/.test(message))
    .filter((event) => {
      // Not since its first such event: that may be of another container, which has ended since.
      const start = since.get(event.involvedObject.name ?? '');
      if (start === undefined || now - start < listens) return false;
      // The kubelet tells 25 of them and then one in five minutes (client-go, EventSourceObjectSpamFilter).
      return timeOf(event) - start > PATIENCE_MILLISECONDS;
    })
    .map(({ involvedObject, message }) => `pod ${involvedObject.name}: ${message}`);
}

/** When the newest of its containers started; undefined unless all run. Init containers have ended, or are sidecars. */
function startOf({ status: { containerStatuses = [] } }: Pod): number | undefined {
  const starts = containerStatuses.map(({ state }) => Date.parse(state?.running?.startedAt ?? ''));
  return starts.length > 0 && starts.every(Number.isFinite) ? Math.max(...starts) : undefined;
}

export function timeOf({ lastTimestamp, eventTime, metadata }: ClusterEvent): number {
  const created = (metadata as { readonly creationTimestamp?: string }).creationTimestamp;
  return Date.parse(lastTimestamp ?? eventTime ?? created ?? '');
}

/** What somebody looks at first: pods that are not well, and the newest warnings of whatever is not a pod that is well. */
export function summary(pods: readonly Pod[], events: readonly ClusterEvent[]): readonly string[] {
  const well = new Set(pods.filter(isWell).map(({ metadata }) => metadata.name));
  const warnings = events
    .filter(({ type, involvedObject: { name = '' } }) => type === 'Warning' && !well.has(name))
    .toSorted((one, other) => timeOf(one) - timeOf(other))
    .slice(-8)
    .map(
      ({ reason, message, involvedObject: { kind, name } }) =>
        `Warning ${reason} of ${kind} ${name}: ${message}`,
    );
  return [...pods.filter((pod) => !isWell(pod)).map(stateOf), ...warnings];
}

function isWell(pod: Pod): boolean {
  const restarts = containersOf(pod).some(({ restartCount }) => restartCount > 0);
  return !restarts && (isReady(pod) || pod.status.phase === 'Succeeded');
}

function stateOf(pod: Pod): string {
  const containers = containersOf(pod).map(({ name, restartCount, state }) => {
    const { waiting, terminated } = state ?? {};
    const what = waiting?.reason ?? terminated?.reason ?? 'runs';
    return `${name} ${what}${restartCount > 0 ? ` (${restartCount} restarts)` : ''}`;
  });
  const going = pod.metadata.deletionTimestamp === undefined ? '' : ', being deleted';
  const state = isReady(pod) ? 'Ready' : `${pod.status.phase}, not Ready${going}`;
  return `pod ${pod.metadata.name} on ${pod.spec.nodeName ?? 'no node'}: ${state}: ${containers.join(', ')}`;
}
