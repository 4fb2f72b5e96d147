/** Agent mode: an init container registers the pod with the agent of its node, then Envoy or Consul's own proxy runs. */
import type { JsonObject } from '../support/json.ts';
import { keptBy } from '../support/kept.ts';
import { shared } from '../support/shared-json.ts';
import { accountVolumes, type RegisteredSidecar, type Sidecar } from './sidecar.ts';
import { tokenVolumes, trustAnnotation, type SidecarPlan } from './sidecar-plan.ts';
import { literal, proxyId, registrationVariables, serviceId } from './registration-variable.ts';
import { classicSidecarSeconds, lifecycleField } from './drain.ts';
import { downward, portFields, resourceFields, securityContext, variable } from './container-parts.ts';
import { INIT_SCRIPT, INIT_SCRIPT_OF_OTHERS } from './init-script.ts';
import {
  ADMIN_PORT,
  DATA_PATH,
  DATA_VOLUME,
  ENVOY_CONTAINER,
  INBOUND_PORT,
  INIT_CONTAINER,
} from './names.ts';
import type { MeshPod } from './mesh-pod.ts';
import type { InjectSettings, Resources } from './settings.ts';

export function agentMode(
  mesh: MeshPod,
  sidecars: readonly RegisteredSidecar[],
  settings: InjectSettings,
): SidecarPlan {
  const inits = sidecars.map((each) => initContainer(mesh, each, settings));
  const proxies = sidecars.map((each) => proxyContainer(mesh, each, settings));
  return {
    volumes: [
      { name: DATA_VOLUME, emptyDir: {} },
      ...tokenVolumes(settings.consul),
      ...accountVolumes(mesh),
      ...mesh.userVolumes,
    ],
    initContainers: mesh.nativeSidecar ? [...inits, ...proxies] : inits,
    containers: mesh.nativeSidecar ? [] : proxies,
    annotations: new Map(trustAnnotation(settings.consul)),
  };
}

/** What the container depends on, beside the settings. */
type ProxyOptions = Pick<
  MeshPod,
  'concurrency' | 'extraArgs' | 'userVolumeMounts' | 'nativeSidecar' | 'drainSeconds'
> &
  Pick<Sidecar, 'index' | 'suffix' | 'metrics' | 'baseId' | 'dataMount'> & {
    readonly resources: Resources;
    /** Of the service, only for the built-in proxy. */
    readonly name: string | undefined;
  };

/** Most pods of a cluster have the same Envoy. Building and serializing it again was a twentieth of an admission's cost. */
const keep = keptBy<JsonObject>({ prepare: shared });

function proxyContainer(mesh: MeshPod, sidecar: Sidecar, settings: InjectSettings): JsonObject {
  const isEnvoy = settings.sidecarProxy === 'envoy';
  const options: ProxyOptions = {
    concurrency: mesh.concurrency,
    extraArgs: mesh.extraArgs,
    userVolumeMounts: mesh.userVolumeMounts,
    nativeSidecar: mesh.nativeSidecar,
    drainSeconds: mesh.drainSeconds,
    index: sidecar.index,
    suffix: sidecar.suffix,
    metrics: sidecar.metrics,
    baseId: sidecar.baseId,
    dataMount: sidecar.dataMount,
    resources: mesh.resources.sidecar,
    name: isEnvoy ? undefined : sidecar.service.name,
  };
  return keep(settings, JSON.stringify(options), () =>
    running(isEnvoy ? envoy(options, settings) : builtinProxy(options, settings), options),
  );
}

function running(container: JsonObject, { nativeSidecar, drainSeconds, index }: ProxyOptions): JsonObject {
  return nativeSidecar
    ? { ...container, restartPolicy: 'Always', startupProbe: startupProbe(index) }
    : { ...container, ...lifecycleField(classicSidecarSeconds(drainSeconds)) };
}

// The proxy listens as soon as Consul has sent its configuration, 2 to 3 s after its start. One try a second, and a minute
// in all before the kubelet restarts it: enough for an agent that restarts.
function startupProbe(index: number): JsonObject {
  return { tcpSocket: { port: INBOUND_PORT + index }, periodSeconds: 1, failureThreshold: 60 };
}

const INIT_COMMAND = shared(['/bin/sh', '-c', INIT_SCRIPT]);
const INIT_COMMAND_OF_OTHERS = shared(['/bin/sh', '-c', INIT_SCRIPT_OF_OTHERS]);

const POD_FIELDS = downward('POD_NAME', 'POD_NAMESPACE', 'POD_UID', 'POD_IP', 'HOST_IP');

function initContainer(mesh: MeshPod, sidecar: RegisteredSidecar, settings: InjectSettings): JsonObject {
  const { consul } = settings;
  const { service, index, suffix } = sidecar;
  return {
    name: INIT_CONTAINER + suffix,
    image: settings.consulImage,
    command: index === 0 ? INIT_COMMAND : INIT_COMMAND_OF_OTHERS,
    env: [
      ...POD_FIELDS,
      { name: 'TANDEM_SCHEME', value: consul.tls ? 'https://' : 'http://' },
      { name: 'TANDEM_HTTP_PORT', value: String(consul.httpPort) },
      { name: 'TANDEM_GRPC_PORT', value: String(consul.grpcPort) },
      ...variable('CONSUL_TLS_SERVER_NAME', escaped(consul.tlsServerName)),
      ...variable('TANDEM_CA_PEM', escaped(consul.caCertificate)),
      ...variable('TANDEM_AUTH_METHOD', escaped(consul.authMethod)),
      ...variable('TANDEM_PROXY_ID', settings.sidecarProxy === 'envoy' ? proxyId(service.name) : undefined),
      ...variable('TANDEM_ADMIN_PORT', index === 0 ? undefined : String(ADMIN_PORT + index)),
      ...variable('TANDEM_PROMETHEUS_PATH', escaped(sidecar.metrics?.path)),
      ...variable('TANDEM_OWNER', consul.authMethod === undefined ? undefined : settings.owner),
      ...registrationVariables(mesh, service, sidecar.registration),
    ],
    resources: resourceFields(mesh.resources.init),
    volumeMounts: [sidecar.dataMount, ...(consul.authMethod === undefined ? [] : [sidecar.tokenMount])],
    securityContext: securityContext(settings),
  };
}

function envoy(options: ProxyOptions, settings: InjectSettings): JsonObject {
  return {
    name: ENVOY_CONTAINER + options.suffix,
    image: settings.envoyImage,
    command: [
      'envoy',
      '--config-path',
      `${DATA_PATH}/envoy-bootstrap.json`,
      '--concurrency',
      String(options.concurrency),
      ...options.baseId,
      ...options.extraArgs.map(literal),
    ],
    ...portFields(options.metrics),
    resources: resourceFields(options.resources),
    volumeMounts: [options.dataMount, ...options.userVolumeMounts],
    securityContext: securityContext(settings),
  };
}

function builtinProxy(options: ProxyOptions, settings: InjectSettings): JsonObject {
  const { consul } = settings;
  const scheme = consul.tls ? 'https://' : '';
  return {
    name: ENVOY_CONTAINER + options.suffix,
    image: settings.consulImage,
    command: [
      'consul',
      'connect',
      'proxy',
      `-http-addr=${scheme}$(HOST_IP):${consul.httpPort}`,
      `-sidecar-for=${serviceId(options.name ?? '')}`,
      ...(consul.authMethod === undefined ? [] : [`-token-file=${DATA_PATH}/acl-token`]),
      ...(consul.caCertificate === undefined ? [] : [`-ca-file=${DATA_PATH}/ca.pem`]),
      ...options.extraArgs.map(literal),
    ],
    env: [
      ...downward('POD_NAME', 'POD_NAMESPACE', 'HOST_IP'),
      ...variable('CONSUL_TLS_SERVER_NAME', escaped(consul.tlsServerName)),
    ],
    resources: resourceFields(options.resources),
    volumeMounts: [options.dataMount, ...options.userVolumeMounts],
    securityContext: securityContext(settings),
  };
}

function escaped(text: string | undefined): string | undefined {
  return text === undefined ? undefined : literal(text);
}
