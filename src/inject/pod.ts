/**
 * What the engine reads of a pod, as values that JSON can hold, and nothing else: pods that are equal here get equal sidecars.
 * The pod itself is not changed: fields that Tandem does not know survive.
 */
import {
  asString,
  elementsAt,
  filledAt,
  isObject,
  property,
  textAt,
  type JsonObject,
} from '../support/json.ts';
import { parseWholeNumber } from '../support/text.ts';
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import type { Problem } from '../model/problem.ts';
import { isReadOrWritten } from './annotations.ts';
import { omittedCount } from './omit-variables.ts';
import {
  ACCOUNT_VOLUME,
  DATA_PATH,
  isLikeUpstreamVariable,
  RESERVED_VOLUMES,
  UNPRIVILEGED_PORT_START,
} from './names.ts';
import { dnsLists } from './resolver.ts';

/** Absent and null are told apart, so that `uninject` can restore what was there. */
export type Presence = 'present' | 'absent' | 'null';

export type Container = {
  readonly name: string;
  /** Its path in the pod: `spec.containers[1]`. */
  readonly at: string;
  /** Its probes and hooks, as they are in the pod. */
  readonly probed: JsonObject;
  /**
   * An init container with `restartPolicy: Always` runs as long as the pod (Kubernetes, "Sidecar Containers"). For any
   * other container it only says what happens after it ends.
   */
  readonly isNativeSidecar: boolean;
  readonly env: Presence;
  /** Entries with a name. */
  readonly variableCount: number;
  /** Names that an upstream could set, too (`variables.ts`): hardly any of many variables. */
  readonly likeUpstreams: readonly string[];
  readonly volumeMounts: Presence;
  readonly lifecycle: Presence;
  readonly preStop: Presence;
  /** Whether it mounts something at the path of the shared volume. */
  readonly mountsData: boolean;
  readonly ports: readonly ContainerPort[];
  readonly runAsUser: unknown;
  readonly resources: PodResources;
};

/** Quantities by the name of the resource. */
type PodResources = { readonly requests: JsonObject; readonly limits: JsonObject };

type ContainerPort = {
  readonly name: string | undefined;
  readonly number: number;
  readonly protocol: string;
  /** Of its node; undefined without one. */
  readonly hostPort: number | undefined;
  /** Place among the ports of its container. */
  readonly index: number;
};

export type Pod = {
  readonly namespace: string;
  /** `dnsPolicy` and `dnsConfig`, as they are in the pod. */
  readonly dns: JsonObject;
  readonly metadata: Presence;
  /** Annotations that are read or written; others, like labels, differ between the pods of one workload. */
  readonly annotations: JsonObject;
  readonly annotationsPresence: Presence;
  readonly labels: JsonObject;
  readonly labelsPresence: Presence;
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
  readonly initContainersPresence: Presence;
  /** Names that something added could have, too: the token volume of the pod's account has a random one, hardly ever such a name. */
  readonly volumes: readonly string[];
  readonly volumesPresence: Presence;
  /** Of the pod as a whole. */
  readonly resources: PodResources;
  readonly graceSeconds: number;
  readonly restartPolicy: unknown;
  readonly runAsUser: unknown;
  /** The first port that needs no privilege, if the pod sets it by a sysctl. */
  readonly unprivilegedPortStart: number | undefined;
  /** Its name; a pod that names none has `default`. */
  readonly serviceAccount: string;
};

export type ReadPod =
  { readonly ok: true; readonly pod: Pod } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a pod, or the template of a workload; a shape that no API server accepts is a problem with its path. */
export function readPod(object: unknown, namespace = ''): ReadPod {
  const problems: Problem[] = [];
  const spec = readMap(object, 'spec', 'spec', problems);
  const metadata = readMap(object, 'metadata', 'metadata', problems);
  const containers = readContainers(spec, 'containers', problems);
  const initContainers = readContainers(spec, 'initContainers', problems);
  const volumes = readList(spec, 'volumes', 'spec.volumes', problems);
  const dnsConfig = readMap(spec, 'dnsConfig', 'spec.dnsConfig', problems);
  for (const list of dnsLists) readList(dnsConfig, list, `spec.dnsConfig.${list}`, problems);
  const annotations = readMap(metadata, 'annotations', 'metadata.annotations', problems);
  const labels = readMap(metadata, 'labels', 'metadata.labels', problems);
  if (containers.length === 0 && problems.length === 0) {
    problems.push({
      at: 'spec.containers',
      message: 'is missing or empty; a pod has at least one container',
    });
  }
  problems.push(...sameNames([...initContainers, ...containers]));
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    pod: {
      namespace,
      dns: { dnsPolicy: property(spec, 'dnsPolicy'), dnsConfig: property(spec, 'dnsConfig') },
      metadata: presence(object, 'metadata'),
      annotations: readOrWritten(annotations),
      annotationsPresence: presence(metadata, 'annotations'),
      labels: readOrWritten(labels),
      labelsPresence: presence(metadata, 'labels'),
      containers,
      initContainers,
      initContainersPresence: presence(spec, 'initContainers'),
      volumes: namesThatMatter(volumes, annotations),
      volumesPresence: presence(spec, 'volumes'),
      graceSeconds: readGrace(spec),
      restartPolicy: spec['restartPolicy'],
      runAsUser: property(spec['securityContext'], 'runAsUser'),
      unprivilegedPortStart: readUnprivilegedPortStart(spec['securityContext']),
      serviceAccount: readServiceAccount(spec),
      resources: readResources(spec, 'spec', problems),
    },
  };
}

/** Those that run as long as the pod does. */
export function longRunning(pod: Pod): readonly Container[] {
  return [...pod.containers, ...pod.initContainers.filter(({ isNativeSidecar }) => isNativeSidecar)];
}

/** The mesh carries TCP only. */
export function isTcp({ protocol }: ContainerPort): boolean {
  return protocol === 'TCP';
}

/** Every named TCP port of the pod; of two with one name the first counts, as with Kubernetes probes. */
export function namedPorts(pod: Pod): ReadonlyMap<string, number> {
  const ports = new Map<string, number>();
  for (const container of longRunning(pod)) {
    for (const port of container.ports) {
      if (port.name !== undefined && isTcp(port) && !ports.has(port.name)) ports.set(port.name, port.number);
    }
  }
  return ports;
}

/** `serviceAccount` is the deprecated name of the field; the API server fills in both (PodSpec, serviceAccountName). */
function readServiceAccount(spec: JsonObject): string {
  const given = [spec['serviceAccountName'], spec['serviceAccount']].map(asString);
  return given.find((name) => name !== undefined && name !== '') ?? 'default';
}

/** Kubernetes accepts a name with dots, or with slashes ("Using sysctls in a Kubernetes Cluster"). */
function readUnprivilegedPortStart(securityContext: unknown): number | undefined {
  const sysctl = elementsAt(securityContext, 'sysctls').find(
    (each) => asString(property(each, 'name'))?.replaceAll('/', '.') === UNPRIVILEGED_PORT_START,
  );
  return sysctl === undefined ? undefined : parseWholeNumber(String(property(sysctl, 'value')));
}

export function presence(parent: unknown, key: string): Presence {
  const value = property(parent, key);
  if (value === undefined) return 'absent';
  return value === null ? 'null' : 'present';
}

function readMap(parent: unknown, key: string, at: string, problems: Problem[]): JsonObject {
  const value = property(parent, key) ?? {};
  if (isObject(value)) return value;
  problems.push({ at, message: 'is not a map' });
  return {};
}

function readList(parent: unknown, key: string, at: string, problems: Problem[]): readonly unknown[] {
  const value = property(parent, key) ?? [];
  if (Array.isArray(value)) return value;
  problems.push({ at, message: 'is not a list' });
  return [];
}

type ContainerList = 'containers' | 'initContainers';

function readContainers(spec: JsonObject, key: ContainerList, problems: Problem[]): Container[] {
  return readList(spec, key, `spec.${key}`, problems).map((container, index) =>
    readContainer(container, key, index, problems),
  );
}

function readContainer(
  container: unknown,
  list: ContainerList,
  index: number,
  problems: Problem[],
): Container {
  const at = `spec.${list}[${index}]`;
  const name = textAt(container, 'name');
  if (name === '') problems.push({ at: `${at}.name`, message: 'is missing' });
  const env = readList(container, 'env', `${at}.env`, problems);
  const mounts = readList(container, 'volumeMounts', `${at}.volumeMounts`, problems);
  const ports = readList(container, 'ports', `${at}.ports`, problems);
  const lifecycle = readMap(container, 'lifecycle', `${at}.lifecycle`, problems);
  return {
    name,
    at,
    probed: {
      livenessProbe: property(container, 'livenessProbe'),
      readinessProbe: property(container, 'readinessProbe'),
      startupProbe: property(container, 'startupProbe'),
      lifecycle,
    },
    isNativeSidecar: list === 'initContainers' && property(container, 'restartPolicy') === 'Always',
    env: presence(container, 'env'),
    ...readVariables(env),
    volumeMounts: presence(container, 'volumeMounts'),
    lifecycle: presence(container, 'lifecycle'),
    preStop: presence(lifecycle, 'preStop'),
    mountsData: mounts.some((mount) => property(mount, 'mountPath') === DATA_PATH),
    ports: ports.flatMap(readPort),
    runAsUser: property(property(container, 'securityContext'), 'runAsUser'),
    resources: readResources(container, at, problems),
  };
}

function readVariables(env: readonly unknown[]): Pick<Container, 'variableCount' | 'likeUpstreams'> {
  const likeUpstreams: string[] = [];
  let variableCount = 0;
  for (const element of env) {
    // No object inherits a property `name`, and there may be thousands: reading it here takes a third of the time of `property`, which reads anything.
    const name = isObject(element) ? element['name'] : undefined;
    if (typeof name !== 'string') {
      variableCount += omittedCount(element);
      continue;
    }
    variableCount += 1;
    if (isLikeUpstreamVariable(name)) likeUpstreams.push(name);
  }
  return { variableCount, likeUpstreams };
}

function readResources(parent: unknown, at: string, problems: Problem[]): PodResources {
  const resources = readMap(parent, 'resources', `${at}.resources`, problems);
  return {
    requests: readMap(resources, 'requests', `${at}.resources.requests`, problems),
    limits: readMap(resources, 'limits', `${at}.resources.limits`, problems),
  };
}

function readPort(port: unknown, index: number): ContainerPort[] {
  const number = parseWholeNumber(String(property(port, 'containerPort')));
  if (number === undefined) return [];
  const protocol = textAt(port, 'protocol');
  const hostPort = property(port, 'hostPort');
  return [
    {
      name: filledAt(port, 'name'),
      number,
      // The API server fills in TCP after the webhooks were asked.
      protocol: protocol === '' ? 'TCP' : protocol,
      hostPort: typeof hostPort === 'number' ? hostPort : undefined,
      index,
    },
  ];
}

/** Kubernetes, core/v1 `PodSpec.terminationGracePeriodSeconds`: 30 by default. 0 for a value that the API does not accept. */
function readGrace(spec: JsonObject): number {
  const seconds = spec['terminationGracePeriodSeconds'] ?? 30;
  return typeof seconds === 'number' ? seconds : 0;
}

function readOrWritten(map: JsonObject): JsonObject {
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(map)) if (isReadOrWritten(key)) kept[key] = map[key];
  return kept;
}

/** An author who gives volumes to the sidecar may name any volume of the pod. */
const USER_VOLUMES = ['user-volume', 'user-volume-mount'].map(
  (name) => `${ANNOTATION_PREFIX}consul-sidecar-${name}`,
);

function namesThatMatter(volumes: readonly unknown[], annotations: JsonObject): readonly string[] {
  const names = volumes.flatMap((each) => asString(property(each, 'name')) ?? []);
  if (USER_VOLUMES.some((key) => property(annotations, key) !== undefined)) return names;
  return names.filter((name) => RESERVED_VOLUMES.has(name) || name.endsWith(ACCOUNT_VOLUME));
}

function sameNames(containers: readonly Container[]): Problem[] {
  return repeated(containers.map(({ name }) => name))
    .filter((name) => name !== '')
    .map((name) => ({ at: 'spec', message: `two containers have the name ${JSON.stringify(name)}` }));
}

/** Those that are there more than once. */
export function repeated<T>(values: readonly T[]): readonly T[] {
  const seen = new Set<T>();
  const again = new Set<T>();
  for (const each of values) (seen.has(each) ? again : seen).add(each);
  return [...again];
}
