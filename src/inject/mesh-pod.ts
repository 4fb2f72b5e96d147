/** Everything that a pod's annotations ask for, validated as a whole, with the operator's settings as defaults. */
import { isDnsLabel } from '../support/dns-name.ts';
import type { Problem } from '../model/problem.ts';
import { META_PREFIX } from '../model/kubernetes-names.ts';
import type { ProxyUpstream } from '../model/registration.ts';
import { split } from 'shlex';
import type { JsonObject } from '../support/json.ts';
import { nearest, quote } from '../support/text.ts';
import { annotationReader, type AnnotationReader } from './annotation-reader.ts';
import {
  annotationKey,
  annotationName,
  annotations,
  leftByInjection,
  ofServices,
  withoutPrefix,
  type AnnotationName,
} from './annotations.ts';
import { splitCommaList } from '../support/comma-list.ts';
import { readDrainSeconds } from './drain.ts';
import { hintOfConsulK8s } from './foreign-annotations.ts';
import { DATA_PATH } from './names.ts';
import { ANY_COUNT, readLifecycle, type Lifecycle } from './lifecycle-options.ts';
import { readMetrics, type Metrics } from './metrics-options.ts';
import type { Pod } from './pod.ts';
import type { Warning } from './result.ts';
import { ofPodAccount, readServiceNames } from './service-name.ts';
import { readPodServices, type PodServices } from './service.ts';
import { checkSeveral } from './several-services.ts';
import { warnOfUpstreams } from './redirect-warnings.ts';
import { readProxyConfig } from './proxy-config.ts';
import { readRedirect, redirectPorts, type Redirect } from './redirect.ts';
import { readResources, type ContainerResources } from './resource-options.ts';
import type { InjectSettings } from './settings.ts';
import { besideSidecar, checkSidecarPorts, sidecarPorts } from './sidecar-ports.ts';
import { readUserVolumes } from './user-volumes.ts';
import { readUpstreams } from './upstreams.ts';
import { upstreamVariables, type Variable } from './variables.ts';

/** A pod in the mesh, as its author and the operator want it. */
export type MeshPod = {
  readonly mode: InjectSettings['mode'];
  /** Upstreams and metrics are those of the first. */
  readonly services: PodServices;
  /** Services that log in to Consul as another ServiceAccount than the pod. */
  readonly otherAccounts: readonly string[];
  /** Dataplane mode: the Kubernetes Service that names the pod, when several select it. */
  readonly kubernetesService: string | undefined;
  readonly upstreams: readonly ProxyUpstream[];
  /** The variables with which the author's containers find them. */
  readonly variables: readonly Variable[];
  /** Added to the configuration of the proxy. */
  readonly proxyConfig: JsonObject;
  readonly nativeSidecar: boolean;
  readonly extraArgs: readonly string[];
  readonly resources: ContainerResources;
  readonly concurrency: number;
  /** Names of the containers that get the shared volume. */
  readonly mountContainers: readonly string[];
  readonly userVolumes: readonly JsonObject[];
  readonly userVolumeMounts: readonly JsonObject[];
  readonly metrics: Metrics | undefined;
  readonly lifecycle: Lifecycle | undefined;
  /** The pause of the application's containers before SIGTERM; 0 is none. */
  readonly drainSeconds: number;
  readonly proxyHealthCheck: boolean;
  /** 0 keeps the default. */
  readonly startupFailureSeconds: number;
  /** 0 is no liveness probe. */
  readonly livenessFailureSeconds: number;
  /** Transparent proxy; undefined without it. */
  readonly redirect: Redirect | undefined;
};

type ReadMeshPod =
  | { readonly ok: true; readonly mesh: MeshPod; readonly warnings: readonly Warning[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Warning[] };

export function readMeshPod(pod: Pod, settings: InjectSettings): ReadMeshPod {
  const reader = annotationReader(pod.annotations);
  const services = readPodServices(pod, reader, readServiceNames(pod, reader, settings));
  const [service] = services;
  const metrics = readMetrics(pod, service, reader, settings);
  const nativeSidecar = readNativeSidecar(reader, settings);
  const lifecycle = readLifecycle(reader, settings.lifecycle, nativeSidecar);
  const listeners = besideSidecar(pod, nativeSidecar);
  const drainSeconds = readDrainSeconds(pod, reader, service.port, settings);
  const own = sidecarPorts(settings, metrics, lifecycle, services);
  const redirect = readRedirect(pod, reader, settings, {
    ports: own,
    isNative: nativeSidecar,
    drainSeconds,
    metrics,
    lifecycle,
  });
  const ports = checkSidecarPorts([...own, ...redirectPorts(redirect)], listeners, services, reader);
  const kubernetesService = readKubernetesService(reader);
  const upstreams = readUpstreams(pod, reader, listeners, ports, settings.sidecarProxy);
  const mesh: MeshPod = {
    mode: settings.mode,
    services,
    otherAccounts: otherAccounts(pod, services, settings),
    kubernetesService,
    upstreams,
    variables: upstreamVariables(upstreams),
    proxyConfig: readProxyConfig(reader),
    nativeSidecar,
    extraArgs: readExtraArgs(reader, settings),
    resources: readResources(pod, reader, settings, {
      sidecars: services.length,
      hasInit: settings.mode === 'agent' || redirect !== undefined,
    }),
    concurrency: reader.wholeNumber('consul-envoy-proxy-concurrency', settings.concurrency, ANY_COUNT),
    mountContainers: readMountContainers(pod, reader, settings.mode),
    ...readUserVolumes(pod, reader),
    metrics,
    lifecycle,
    drainSeconds,
    proxyHealthCheck: reader.boolean('use-proxy-health-check', false),
    startupFailureSeconds: reader.wholeNumber('sidecar-proxy-startup-failure-seconds', 0, ANY_COUNT),
    livenessFailureSeconds: reader.wholeNumber('sidecar-proxy-liveness-failure-seconds', 0, ANY_COUNT),
    redirect,
  };
  if (services.length > 1) checkSeveral(pod, mesh, reader);
  if (mesh.otherAccounts.length > 0 && settings.consul.authAudience !== undefined)
    reader.problem(
      'connect-service',
      'names services of other ServiceAccounts, whose tokens are in Secrets; an auth method of type jwt accepts no such token, so give each service a pod of its own',
    );
  warnOfInitContainers(pod, mesh, reader);
  warnOfEndlessSidecar(pod, nativeSidecar, reader);
  if (redirect !== undefined) warnOfUpstreams(upstreams, reader);
  warnOfNoEffect(pod.annotations, reader, mesh);
  const { problems, warnings } = reader;
  return problems.length > 0 ? { ok: false, problems, warnings } : { ok: true, mesh, warnings };
}

function readNativeSidecar(
  reader: AnnotationReader,
  { nativeSidecar, lacksNativeSidecar }: InjectSettings,
): boolean {
  const name = 'enable-consul-dataplane-as-sidecar';
  const isWanted = reader.boolean(name, nativeSidecar);
  if (!isWanted || lacksNativeSidecar !== true) return isWanted;
  reader.warn(
    'no-effect',
    name,
    'has no effect: when this webhook started, the API server was older than Kubernetes 1.29, where a pod with a native sidecar never starts; after an upgrade of the cluster, restart the webhook',
  );
  return false;
}

function otherAccounts(pod: Pod, services: PodServices, { consul }: InjectSettings): readonly string[] {
  if (services.length === 1 || consul.authMethod === undefined) return [];
  const own = ofPodAccount(services, pod);
  return services.filter((each) => each !== own).map(({ name }) => name);
}

function readKubernetesService(reader: AnnotationReader): string | undefined {
  const name = reader.text('kubernetes-service');
  if (name !== undefined && !isDnsLabel(name))
    reader.problem(
      'kubernetes-service',
      `${quote(name)} is not a valid name of a Kubernetes Service: 1 to 63 of a-z 0-9 and -, starting and ending with a letter or digit`,
    );
  return name;
}

function readExtraArgs(reader: AnnotationReader, settings: InjectSettings): readonly string[] {
  const text = reader.text('envoy-extra-args');
  if (text === undefined) return settings.envoyExtraArgs;
  try {
    return split(text);
  } catch {
    reader.problem('envoy-extra-args', `${quote(text)} has unbalanced quotes`);
    return [];
  }
}

function readMountContainers(
  pod: Pod,
  reader: AnnotationReader,
  mode: InjectSettings['mode'],
): readonly string[] {
  const name = 'connect-inject-mount-volume';
  const text = reader.text(name);
  if (text === undefined) return [];
  const wanted = [...new Set(splitCommaList(text))];
  // Plain init containers get it, too: the files are there before any container of the author starts.
  const containers = new Map(
    [...pod.initContainers, ...pod.containers].map((each) => [each.name, each] as const),
  );
  for (const container of wanted) {
    const found = containers.get(container);
    if (found === undefined) reader.problem(name, `${quote(container)} is not a container of the pod`);
    else if (found.mountsData) reader.problem(name, `${quote(container)} already mounts ${DATA_PATH}`);
  }
  if (wanted.length > 0 && mode === 'dataplane')
    reader.warn('empty-volume', name, 'gives an empty volume: in dataplane mode nothing is written to it');
  return wanted;
}

/** They run one after the other before any container, and a classic sidecar is one of the containers. */
function warnOfInitContainers(
  pod: Pod,
  { nativeSidecar, upstreams }: MeshPod,
  reader: AnnotationReader,
): void {
  const first = pod.initContainers.find(({ isNativeSidecar }) => !isNativeSidecar);
  if (nativeSidecar || upstreams.length === 0 || first === undefined) return;
  reader.warn(
    'init-before-sidecar',
    'connect-service-upstreams',
    `the init container ${quote(first.name)} runs before the sidecar and reaches none of them; with a native sidecar (Kubernetes 1.29, enable-consul-dataplane-as-sidecar) it does`,
  );
}

/** Pods of a Job, and others that do not restart what has ended successfully (Kubernetes, "Pod Lifecycle"). */
function warnOfEndlessSidecar(
  { restartPolicy }: Pod,
  nativeSidecar: boolean,
  reader: AnnotationReader,
): void {
  if (nativeSidecar || (restartPolicy !== 'Never' && restartPolicy !== 'OnFailure')) return;
  reader.fieldWarn(
    'never-completes',
    'spec.restartPolicy',
    `is ${restartPolicy}, and a classic sidecar keeps running after the others have ended, so neither the pod nor its Job completes; a native sidecar (Kubernetes 1.29, enable-consul-dataplane-as-sidecar) ends with them`,
  );
}

function warnOfNoEffect(present: JsonObject, reader: AnnotationReader, { mode, redirect }: MeshPod): void {
  if (reader.text('connect-service-protocol') !== undefined) {
    reader.warn(
      'no-effect',
      'connect-service-protocol',
      'has no effect; write a service-defaults config entry in Consul',
    );
  }
  const names = Object.keys(present)
    .map(annotationName)
    .filter((name) => name !== undefined)
    .filter((name) => !name.startsWith(META_PREFIX) && !leftByInjection.has(name));
  warnOfUnknown(
    names.filter((name) => !Object.hasOwn(annotations, name)),
    reader,
  );
  for (const name of names.filter((each) => Object.hasOwn(annotations, each))) {
    if (name.startsWith('transparent-proxy-')) {
      if (redirect !== undefined || reader.problems.some(({ at }) => at === annotationKey(name))) continue;
      reader.warn('no-effect', name, 'has no effect without transparent proxy');
    } else if (isOfOtherMode(name as AnnotationName, mode))
      reader.warn('no-effect', name, `has no effect in ${mode} mode`);
  }
}

// Each is compared with every known name, and a stranger decides how many there are.
const UNKNOWN_NAMED = 20;

function warnOfUnknown(names: readonly string[], reader: AnnotationReader): void {
  for (const name of names.slice(0, UNKNOWN_NAMED)) {
    const hint = hintOfConsulK8s(name);
    if (hint === undefined) reader.warn('unknown-annotation', shorten(name), unknownAnnotation(name));
    else reader.warn('no-effect', name, hint);
  }
  if (names.length > UNKNOWN_NAMED)
    reader.warn('unknown-annotation', '…', `${names.length - UNKNOWN_NAMED} more are not known`);
}

function isOfOtherMode(name: AnnotationName, mode: InjectSettings['mode']): boolean {
  const entry = annotations[name];
  return 'mode' in entry && entry.mode !== mode;
}

function unknownAnnotation(name: string): string {
  if (ofServices.includes(name)) return 'is for Services, and has no effect on a pod';
  // Someone who mistypes the prefix has the right name after it.
  const keys = new Map(Object.keys(annotations).map((known) => [withoutPrefix(known), annotationKey(known)]));
  const near = nearest(withoutPrefix(name), [...keys.keys()]);
  return `is not known${near === undefined ? '' : `; did you mean ${keys.get(near) ?? near}?`}`;
}

// A warning has room for 120 characters in kubectl; no annotation of ours has such a long name.
function shorten(name: string): string {
  return name.length <= 63 ? name : `${name.slice(0, 62)}…`;
}
