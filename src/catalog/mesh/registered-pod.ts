/** What is kept in memory of an injected pod. Reading is total: what is not well-formed is absent. */
import { readInjection, type Injection } from '../../inject/injected-pod.ts';
import type { MeshOptions } from '../../inject/read-registration.ts';
import { isConditionTrue } from '../../model/object-status.ts';
import { ANNOTATION_PREFIX, RECORD_ANNOTATION } from '../../model/kubernetes-names.ts';
import { parseRecord } from '../../inject/record.ts';
import { exclusionNames, MOST_EXCLUSIONS, splitExclusions } from '../../inject/redirect-lists.ts';
import { readPendingPod } from '../../redirection/pending-pod.ts';
import { asString, elementsAt, filledAt, property, textAt, textPairs } from '../../support/json.ts';
import { oneLine, parseWholeNumber, quote } from '../../support/text.ts';
import { isIpAddress } from '../../support/ip-address.ts';

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
  /** `spec.serviceAccountName`. */
  readonly serviceAccount: string;
  readonly labels: ReadonlyMap<string, string>;
  /** TCP ports of containers by name. */
  readonly ports: ReadonlyMap<string, number>;
  /** Ports that its author excludes from inbound redirection. The annotation may be edited, so this is only told to people. */
  readonly plainPorts: readonly number[];
  readonly stage: Stage;
  /** Undefined until it is scheduled, and until its kubelet has told. */
  readonly node: string | undefined;
  readonly hostIp: string | undefined;
  readonly podIp: string | undefined;
  /** A value that is no IP address, and where it is. */
  readonly refusedAddress?: string | undefined;
  /** Its init containers have done their work; in agent mode it has registered itself. */
  readonly isInitialized: boolean;
  readonly isReady: boolean;
  /** Warnings of its admission, while it starts: the controller that creates a pod shows nobody the webhook's answer. */
  readonly warnings: readonly string[];
  /** Of a pod whose traffic its node has not redirected yet, see `PendingPod`. */
  readonly waitsSince?: number | undefined;
  /** Message of the Ready condition; empty when it has none. */
  readonly readinessMessage: string;
};

/** What its containers say of each service; empty when Tandem did not inject it, and for what cannot be registered. */
export function servicesOf({ injection }: InjectedPod): readonly MeshOptions[] {
  return 'mesh' in injection && injection.mesh.ok ? injection.mesh.services : [];
}

/** Of its first service, which has the upstreams of the pod. */
export function meshOf(pod: InjectedPod): MeshOptions | undefined {
  return servicesOf(pod)[0];
}

/** In the config of a proxy: where Envoy serves its metrics. */
export const METRICS_ADDRESS = 'envoy_prometheus_bind_addr';

/** Of the listener that Prometheus reads, which is not redirected; undefined when it has none. */
export function metricsPortOf(pod: InjectedPod): number | undefined {
  const listener = asString(meshOf(pod)?.config[METRICS_ADDRESS]) ?? '';
  return parseWholeNumber(/:([0-9]+)$/.exec(listener)?.[1] ?? '');
}

/** `Pod/default/web-0`: the key of everything that is reported on a pod. */
export function sourceOfPod({ namespace, name }: Pick<InjectedPod, 'namespace' | 'name'>): string {
  return `Pod/${namespace}/${name}`;
}

/** Undefined for what has no namespace, name and UID. */
export function readInjectedPod(raw: unknown): InjectedPod | undefined {
  const metadata = property(raw, 'metadata');
  const namespace = filledAt(metadata, 'namespace');
  const name = filledAt(metadata, 'name');
  const uid = filledAt(metadata, 'uid');
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  const status = property(raw, 'status');
  const ready = elementsAt(status, 'conditions').find((each) => property(each, 'type') === 'Ready');
  const isInitialized = isConditionTrue(raw, 'Initialized');
  const [host, own] = (['hostIP', 'podIP'] as const).map((key) =>
    firstAddress(`status.${key}`, [textAt(status, key)]),
  );
  const ports = readPorts(property(raw, 'spec'));
  return {
    namespace,
    name,
    uid,
    injection: readInjection(raw),
    serviceAccount: filledAt(property(raw, 'spec'), 'serviceAccountName') ?? 'default',
    labels: new Map(textPairs(property(metadata, 'labels'))),
    ports,
    plainPorts: readPlainPorts(property(metadata, 'annotations'), ports),
    stage: readStage(metadata, status),
    node: filledAt(property(raw, 'spec'), 'nodeName'),
    hostIp: host?.address,
    podIp: own?.address,
    refusedAddress: host?.refusedAddress ?? own?.refusedAddress,
    isInitialized,
    isReady: property(ready, 'status') === 'True',
    readinessMessage: shortLine(textAt(ready, 'message')),
    waitsSince: isInitialized ? undefined : readPendingPod(raw)?.waitsSince,
    warnings: isInitialized ? [] : readWarnings(metadata),
  };
}

// As much as an agent keeps of a check's output (Consul, `check_output_max_size`): the author of a pod influences this text.
const MESSAGE_CHARACTERS = 4096;

function shortLine(message: string): string {
  // Escaped, it is longer.
  return oneLine(message.slice(0, MESSAGE_CHARACTERS)).slice(0, MESSAGE_CHARACTERS).toWellFormed();
}

/** The first of two ports with one name counts, as with Kubernetes probes; a sidecar is an init container that keeps running. */
function readPorts(spec: unknown): InjectedPod['ports'] {
  const ports = new Map<string, number>();
  const sidecars = elementsAt(spec, 'initContainers').filter(
    (each) => property(each, 'restartPolicy') === 'Always',
  );
  for (const port of [...elementsAt(spec, 'containers'), ...sidecars].flatMap((each) =>
    elementsAt(each, 'ports'),
  )) {
    const name = asString(property(port, 'name'));
    const number = property(port, 'containerPort');
    if ((property(port, 'protocol') ?? 'TCP') !== 'TCP') continue;
    if (name !== undefined && typeof number === 'number' && !ports.has(name)) ports.set(name, number);
  }
  return ports;
}

function readPlainPorts(annotations: unknown, ports: InjectedPod['ports']): InjectedPod['plainPorts'] {
  const list = textAt(annotations, EXCLUDED_INBOUND);
  return splitExclusions(list)
    .slice(0, MOST_EXCLUSIONS)
    .flatMap((element) => ports.get(element) ?? parseWholeNumber(element) ?? []);
}

const EXCLUDED_INBOUND = `${ANNOTATION_PREFIX}${exclusionNames[0]}`;

// As the webhook writes them; the annotation can be edited.
const MOST_WARNINGS = 10;
const WARNING_CHARACTERS = 256;

function readWarnings(metadata: unknown): readonly string[] {
  const record = asString(property(property(metadata, 'annotations'), RECORD_ANNOTATION));
  const warnings = record === undefined ? undefined : parseRecord(record)?.warnings;
  return (warnings ?? []).slice(0, MOST_WARNINGS).map((each) => each.slice(0, WARNING_CHARACTERS));
}

function readStage(metadata: unknown, status: unknown): Stage {
  const phase = property(status, 'phase');
  if (phase === 'Succeeded' || phase === 'Failed') return 'finished';
  if (phase === 'Unknown' || property(status, 'reason') === 'NodeLost') return 'lost';
  return filledAt(metadata, 'deletionTimestamp') === undefined ? 'alive' : 'terminating';
}

/** Whatever Kubernetes gives as an address becomes a part of URLs, and requests to some of them have a token. */
export function firstAddress(
  at: string,
  texts: readonly string[],
): { readonly address: string | undefined; readonly refusedAddress: string | undefined } {
  const given = texts.filter((text) => text !== '');
  const address = given.find(isIpAddress);
  const [refused] = given;
  const isRefused = address === undefined && refused !== undefined;
  return {
    address,
    refusedAddress: isRefused ? `${at} is ${quote(refused)}, which is not an IP address` : undefined,
  };
}
