/** Agent mode: an init container registers the pod with the agent of its node, then Envoy or Consul's own proxy runs. */
import type { JsonObject } from '../support/json.ts';
import { tokenMount, tokenVolume, type SidecarPlan } from './sidecar-plan.ts';
import { literal, proxyId, registrationVariables, serviceId } from './registration-variable.ts';
import { classicSidecarSeconds, lifecycleField } from './drain.ts';
import { downward, portFields, resourceFields, securityContext, variable } from './container-parts.ts';
import { INIT_SCRIPT } from './init-script.ts';
import { DATA_PATH, DATA_VOLUME, ENVOY_CONTAINER, INBOUND_PORT, INIT_CONTAINER } from './names.ts';
import type { MeshPod } from './mesh-pod.ts';
import type { InjectSettings } from './settings.ts';

const DATA_MOUNT: JsonObject = { name: DATA_VOLUME, mountPath: DATA_PATH };

/** @param registration what `registrationOf` gives for the same pod */
export function agentMode(mesh: MeshPod, settings: InjectSettings, registration: string): SidecarPlan {
  const init = initContainer(mesh, settings, registration);
  const sidecar = settings.sidecarProxy === 'envoy' ? envoy(mesh, settings) : builtinProxy(mesh, settings);
  const native = { ...sidecar, restartPolicy: 'Always', startupProbe: STARTUP_PROBE };
  const classic = { ...sidecar, ...lifecycleField(classicSidecarSeconds(mesh.drainSeconds)) };
  return {
    volumes: [
      { name: DATA_VOLUME, emptyDir: {} },
      ...(settings.consul.authMethod === undefined ? [] : [tokenVolume]),
      ...mesh.userVolumes,
    ],
    initContainers: mesh.nativeSidecar ? [init, native] : [init],
    containers: mesh.nativeSidecar ? [] : [classic],
    annotations: new Map(),
  };
}

// The proxy listens as soon as Consul has sent its configuration, 2 to 3 s after its start. A second a try, and a minute
// in all before the kubelet starts it again: enough for an agent that restarts.
const STARTUP_PROBE: JsonObject = {
  tcpSocket: { port: INBOUND_PORT },
  periodSeconds: 1,
  failureThreshold: 60,
};

function initContainer(mesh: MeshPod, settings: InjectSettings, registration: string): JsonObject {
  const { consul } = settings;
  return {
    name: INIT_CONTAINER,
    image: settings.consulImage,
    command: ['/bin/sh', '-c', INIT_SCRIPT],
    env: [
      ...downward('POD_NAME', 'POD_NAMESPACE', 'POD_UID', 'POD_IP', 'HOST_IP'),
      { name: 'TANDEM_SCHEME', value: consul.tls ? 'https://' : 'http://' },
      { name: 'TANDEM_HTTP_PORT', value: String(consul.httpPort) },
      { name: 'TANDEM_GRPC_PORT', value: String(consul.grpcPort) },
      ...variable('CONSUL_TLS_SERVER_NAME', escaped(consul.tlsServerName)),
      ...variable('TANDEM_CA_PEM', escaped(consul.caCertificate)),
      ...variable('TANDEM_AUTH_METHOD', escaped(consul.authMethod)),
      ...variable(
        'TANDEM_PROXY_ID',
        settings.sidecarProxy === 'envoy' ? proxyId(mesh.services[0].name) : undefined,
      ),
      ...variable('TANDEM_PROMETHEUS_PATH', escaped(mesh.metrics?.path)),
      ...variable('TANDEM_OWNER', consul.authMethod === undefined ? undefined : settings.owner),
      ...registrationVariables(mesh, registration),
    ],
    resources: resourceFields(mesh.resources.init),
    volumeMounts: [DATA_MOUNT, ...(consul.authMethod === undefined ? [] : [tokenMount])],
    securityContext: securityContext(settings),
  };
}

function envoy(mesh: MeshPod, settings: InjectSettings): JsonObject {
  return {
    name: ENVOY_CONTAINER,
    image: settings.envoyImage,
    command: [
      'envoy',
      '--config-path',
      `${DATA_PATH}/envoy-bootstrap.json`,
      '--concurrency',
      String(mesh.concurrency),
      ...mesh.extraArgs.map(literal),
    ],
    ...portFields(mesh.metrics),
    resources: resourceFields(mesh.resources.sidecar),
    volumeMounts: [DATA_MOUNT, ...mesh.userVolumeMounts],
    securityContext: securityContext(settings),
  };
}

function builtinProxy(mesh: MeshPod, settings: InjectSettings): JsonObject {
  const { consul } = settings;
  const scheme = consul.tls ? 'https://' : '';
  return {
    name: ENVOY_CONTAINER,
    image: settings.consulImage,
    command: [
      'consul',
      'connect',
      'proxy',
      `-http-addr=${scheme}$(HOST_IP):${consul.httpPort}`,
      `-sidecar-for=${serviceId(mesh.services[0].name)}`,
      ...(consul.authMethod === undefined ? [] : [`-token-file=${DATA_PATH}/acl-token`]),
      ...(consul.caCertificate === undefined ? [] : [`-ca-file=${DATA_PATH}/ca.pem`]),
      ...mesh.extraArgs.map(literal),
    ],
    env: [
      ...downward('POD_NAME', 'POD_NAMESPACE', 'HOST_IP'),
      ...variable('CONSUL_TLS_SERVER_NAME', escaped(consul.tlsServerName)),
    ],
    resources: resourceFields(mesh.resources.sidecar),
    volumeMounts: [DATA_MOUNT, ...mesh.userVolumeMounts],
    securityContext: securityContext(settings),
  };
}

function escaped(text: string | undefined): string | undefined {
  return text === undefined ? undefined : literal(text);
}
