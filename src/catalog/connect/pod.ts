/** What is kept in memory of an injected pod. Reading is total: what is not well-formed is absent. */
import { readInjection, type Injection, type MeshOptions } from '../../inject/injected-pod.ts';
import { asString, property } from '../../support/json.ts';

export type { Injection, MeshOptions };

/**
 * | pod | stage |
 * | --- | --- |
 * | phase Succeeded or Failed (evicted: Failed) | finished |
 * | its node does not answer: phase Unknown, or reason NodeLost | lost |
 * | deletion timestamp | terminating |
 * | otherwise | alive |
 */
export type Stage = 'alive' | 'terminating' | 'finished' | 'lost';

export type InjectedPod = {
  readonly namespace: string;
  readonly name: string;
  /** Never used twice, unlike the name. */
  readonly uid: string;
  readonly injection: Injection;
  readonly stage: Stage;
  /** Undefined until it is scheduled, and until its kubelet has told. */
  readonly node: string | undefined;
  readonly hostIp: string | undefined;
  readonly podIp: string | undefined;
  /** Its init containers have done their work; in agent mode it has registered itself. */
  readonly isInitialized: boolean;
  readonly isReady: boolean;
  /** Message of the Ready condition; empty when it has none. */
  readonly readinessMessage: string;
};

/** What its containers say; undefined when Tandem did not inject it, and for what cannot be registered. */
export function meshOf({ injection }: InjectedPod): MeshOptions | undefined {
  return 'mesh' in injection && injection.mesh.ok ? injection.mesh.options : undefined;
}

/** `Pod/default/web-0`: the key of everything that is reported on a pod. */
export function sourceOfPod({ namespace, name }: Pick<InjectedPod, 'namespace' | 'name'>): string {
  return `Pod/${namespace}/${name}`;
}

/** Undefined for what has no namespace, name and UID. */
export function readInjectedPod(raw: unknown): InjectedPod | undefined {
  const metadata = property(raw, 'metadata');
  const namespace = text(metadata, 'namespace');
  const name = text(metadata, 'name');
  const uid = text(metadata, 'uid');
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  const status = property(raw, 'status');
  const ready = condition(status, 'Ready');
  return {
    namespace,
    name,
    uid,
    injection: readInjection(raw),
    stage: readStage(metadata, status),
    node: text(property(raw, 'spec'), 'nodeName'),
    hostIp: text(status, 'hostIP'),
    podIp: text(status, 'podIP'),
    isInitialized: property(condition(status, 'Initialized'), 'status') === 'True',
    isReady: property(ready, 'status') === 'True',
    readinessMessage: text(ready, 'message') ?? '',
  };
}

function readStage(metadata: unknown, status: unknown): Stage {
  const phase = property(status, 'phase');
  if (phase === 'Succeeded' || phase === 'Failed') return 'finished';
  if (phase === 'Unknown' || property(status, 'reason') === 'NodeLost') return 'lost';
  return text(metadata, 'deletionTimestamp') === undefined ? 'alive' : 'terminating';
}

/** Source: Kubernetes, "Pod Lifecycle", "Pod conditions". */
function condition(status: unknown, type: string): unknown {
  const conditions = property(status, 'conditions');
  return Array.isArray(conditions)
    ? conditions.find((each: unknown) => property(each, 'type') === type)
    : undefined;
}

function text(value: unknown, key: string): string | undefined {
  const found = asString(property(value, key));
  return found === '' ? undefined : found;
}
