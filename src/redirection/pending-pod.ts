/** Which pods wait for the redirector of their node. */
import { REDIRECT_ANNOTATION } from '../model/kubernetes-names.ts';
import { hasEnded } from '../model/object-status.ts';
import { asList, asString, property, textAt } from '../support/json.ts';
import { LONGEST_TEXT } from './options.ts';

/** With both ways, the first of all init containers. */
export const REDIRECT_CONTAINER = 'consul-connect-redirect';

export type PendingPod = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** As anybody may have written it; if it is too long, only that is known. */
  readonly annotation: string;
  /** Milliseconds since the epoch when its container started, by the clock of the kubelet; undefined while it has not. */
  readonly waitsSince: number | undefined;
};

/** Undefined for a pod that asks nothing of its node: without annotation or container, with its traffic redirected, or at its end. */
export function readPendingPod(object: unknown): PendingPod | undefined {
  const metadata = property(object, 'metadata');
  const status = property(object, 'status');
  const annotation = asString(property(property(metadata, 'annotations'), REDIRECT_ANNOTATION));
  const [namespace, name, uid] = ['namespace', 'name', 'uid'].map((key) => asString(property(metadata, key)));
  if (annotation === undefined || !namespace || !name || !uid) return undefined;
  if (property(metadata, 'deletionTimestamp') !== undefined) return undefined;
  if (hasEnded(object)) return undefined;
  // A copy of a pod has the annotation without it, and others may write the annotation at any time.
  if (redirectContainer(property(property(object, 'spec'), 'initContainers')) === undefined) return undefined;
  const state = property(redirectContainer(property(status, 'initContainerStatuses')), 'state');
  if (property(property(state, 'terminated'), 'exitCode') === 0) return undefined;
  const started = Date.parse(textAt(property(state, 'running'), 'startedAt'));
  return {
    namespace,
    name,
    uid,
    annotation: annotation.length > LONGEST_TEXT ? TOO_LONG : annotation,
    waitsSince: Number.isNaN(started) ? undefined : started,
  };
}

/** Nothing is kept of a text that is refused for its length. */
const TOO_LONG = ' '.repeat(LONGEST_TEXT + 1);

function redirectContainer(list: unknown): unknown {
  const all: readonly unknown[] = asList(list);
  return all.find((each) => property(each, 'name') === REDIRECT_CONTAINER);
}
