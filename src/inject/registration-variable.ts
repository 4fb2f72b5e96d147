/**
 * The registration of an injected pod, in the snake_case form that `consul services register` reads: the service and its
 * proxy. In agent mode the init container gives it to the agent of its node, with checks; in dataplane mode the
 * registrar reads it in the spec.
 */
import { podMeta, PROXY_SUFFIX } from '../model/consul-names.ts';
import { variable } from './container-parts.ts';
import { agentDefinition, agentFile, checkedDefinition } from '../model/definition.ts';
import { serviceAndProxy, TRANSPARENT, type ExposedPath } from '../model/registration.ts';
import { isObject, type JsonObject } from '../support/json.ts';
import type { MeshPod } from './mesh-pod.ts';
import {
  INBOUND_PORT,
  KUBERNETES_SERVICE,
  MAX_ARGUMENT_BYTES,
  REGISTRATION,
  SERVICE_NAME_SOURCE,
} from './names.ts';
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import type { Problem } from '../model/problem.ts';
import type { InjectSettings } from './settings.ts';
import type { ServiceName } from './service-name.ts';
import type { Sidecar } from './sidecar.ts';

/**
 * Ids as Consul shows them; the kubelet fills in namespace and name of the pod. A namespace has no dot and a service name
 * has none, so no two pods have one id, whatever dots the name of a pod has.
 */
export function serviceId(service: string): string {
  return `$(POD_NAMESPACE).$(POD_NAME).${service}`;
}

export function proxyId(service: string): string {
  return `${serviceId(service)}${PROXY_SUFFIX}`;
}

/**
 * Text of an annotation inside a value in which the kubelet expands `$(NAME)`: every `$` doubled comes out single.
 * Source: Kubernetes, "Define Dependent Environment Variables"; k8s.io/kubernetes third_party/forked/golang/expansion.
 */
export function literal(text: string): string {
  // Most texts contain none, and the check takes a fifth of the time.
  return text.includes('$') ? text.replaceAll('$', '$$$$') : text;
}

/**
 * The variables of the container that carries it. The kubelet fills in `$(POD_NAME)` and the like, so these have
 * to be defined before them.
 */
export function registrationVariables(
  mesh: MeshPod,
  service: Pick<ServiceName, 'nameSource'>,
  registration: string,
): JsonObject[] {
  return [
    { name: SERVICE_NAME_SOURCE, value: service.nameSource },
    ...variable(KUBERNETES_SERVICE, mesh.kubernetesService),
    { name: REGISTRATION, value: registration },
  ];
}

/** Why no process could be started with a registration; undefined when it fits. */
export function registrationTooLarge(registration: string): Problem | undefined {
  // The names that the kubelet fills in are longer than their placeholders: at most 253 characters, and a few of them.
  const room = MAX_ARGUMENT_BYTES - 4096 - REGISTRATION.length;
  // A character is at most 3 bytes of UTF-8 for each of its UTF-16 units, so most registrations need no counting.
  if (registration.length * 3 <= room) return undefined;
  const bytes = new TextEncoder().encode(registration).length;
  if (bytes <= room) return undefined;
  return {
    at: `${ANNOTATION_PREFIX}connect-service-upstreams`,
    message: `upstreams, tags, meta and proxy-config-map make a registration of ${bytes} bytes; at most ${room} fit into one variable`,
  };
}

/** One JSON document. */
export function registrationOf(
  { mode, redirect }: MeshPod,
  { service, index, upstreams, metrics, proxyConfig }: Sidecar,
  { owner, criticalUntilReady }: Pick<InjectSettings, 'owner' | 'criticalUntilReady'>,
): string {
  const registrations = serviceAndProxy(
    {
      id: serviceId(service.name),
      name: service.name,
      address: '$(POD_IP)',
      port: service.port ?? 0,
      tags: service.tags.map(podNameOr),
      meta: registrationMeta(service.meta, owner),
    },
    INBOUND_PORT + index,
    {
      upstreams,
      config: registrationConfig(proxyConfig, metrics),
      ...(redirect === undefined ? {} : { mode: TRANSPARENT, exposed: redirect.exposed.map(literalPath) }),
    },
  );
  return agentFile(
    registrations.map((each) =>
      mode === 'agent'
        ? checkedDefinition(each, criticalUntilReady ? 'critical' : undefined)
        : agentDefinition(each),
    ),
  );
}

function literalPath(exposed: ExposedPath): ExposedPath {
  const path = literal(exposed.path);
  return path === exposed.path ? exposed : { ...exposed, path };
}

function registrationConfig(proxyConfig: JsonObject, metrics: MeshPod['metrics']): JsonObject {
  return {
    ...(literalValue(proxyConfig) as JsonObject),
    // Brackets are right around an IPv4 address too: Consul takes it apart by net.SplitHostPort.
    ...(metrics === undefined ? {} : { envoy_prometheus_bind_addr: `[$(POD_IP)]:${metrics.port}` }),
  };
}

/** Every text of a value, keys too. */
function literalValue(value: unknown): unknown {
  if (typeof value === 'string') return literal(value);
  if (Array.isArray(value)) return value.map(literalValue);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [literal(key), literalValue(each)]));
}

/** `$POD_NAME` as the whole text is the name of the pod. */
function podNameOr(text: string): string {
  return text === '$POD_NAME' ? '$(POD_NAME)' : literal(text);
}

function registrationMeta(
  meta: ReadonlyMap<string, string>,
  owner: string | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...[...meta].map(([key, value]) => [key, podNameOr(value)] as const),
    ...podMeta({ name: '$(POD_NAME)', uid: '$(POD_UID)', namespace: '$(POD_NAMESPACE)' }, owner),
  ]);
}
