/** Agent mode: an init container registers the pod with the agent of its node, then Envoy or Consul's own proxy runs. */
import type { JsonObject } from '../support/json.ts';
import { tokenMount, tokenVolume, type Addition } from './addition.ts';
import { literal, proxyId, registrationVariables, serviceId } from './registration-variable.ts';
import { classicSidecarSeconds, lifecycleField } from './drain.ts';
import { downward, portFields, resourceFields, securityContext, variable } from './container-parts.ts';
import { INIT_SCRIPT } from './init-script.ts';
import { DATA_PATH, DATA_VOLUME, ENVOY_CONTAINER, INBOUND_PORT, INIT_CONTAINER } from './names.ts';
import type { Options } from './options.ts';
import type { InjectSettings } from './settings.ts';

const DATA_MOUNT: JsonObject = { name: DATA_VOLUME, mountPath: DATA_PATH };

/** @param registration what `registrationOf` gives for the same options */
export function agentMode(options: Options, settings: InjectSettings, registration: string): Addition {
  const init = initContainer(options, settings, registration);
  const sidecar =
    settings.sidecarProxy === 'envoy' ? envoy(options, settings) : builtinProxy(options, settings);
  const native = { ...sidecar, restartPolicy: 'Always', startupProbe: STARTUP_PROBE };
  const classic = { ...sidecar, ...lifecycleField(classicSidecarSeconds(options)) };
  return {
    volumes: [
      { name: DATA_VOLUME, emptyDir: {} },
      ...(settings.consul.authMethod === undefined ? [] : [tokenVolume]),
      ...options.userVolumes,
    ],
    initContainers: options.nativeSidecar ? [init, native] : [init],
    containers: options.nativeSidecar ? [] : [classic],
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

function initContainer(options: Options, settings: InjectSettings, registration: string): JsonObject {
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
        settings.sidecarProxy === 'envoy' ? proxyId(options.service.name) : undefined,
      ),
      ...variable('TANDEM_PROMETHEUS_PATH', escaped(options.metrics?.path)),
      ...variable('TANDEM_OWNER', consul.authMethod === undefined ? undefined : settings.owner),
      ...registrationVariables(options, registration),
    ],
    resources: resourceFields(options.resources.init),
    volumeMounts: [DATA_MOUNT, ...(consul.authMethod === undefined ? [] : [tokenMount])],
    securityContext: securityContext(settings),
  };
}

function envoy(options: Options, settings: InjectSettings): JsonObject {
  return {
    name: ENVOY_CONTAINER,
    image: settings.envoyImage,
    command: [
      'envoy',
      '--config-path',
      `${DATA_PATH}/envoy-bootstrap.json`,
      '--concurrency',
      String(options.concurrency),
      ...options.extraArgs.map(literal),
    ],
    ...portFields(options),
    resources: resourceFields(options.resources.sidecar),
    volumeMounts: [DATA_MOUNT, ...options.userVolumeMounts],
    securityContext: securityContext(settings),
  };
}

function builtinProxy(options: Options, settings: InjectSettings): JsonObject {
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
      `-sidecar-for=${serviceId(options.service.name)}`,
      ...(consul.authMethod === undefined ? [] : [`-token-file=${DATA_PATH}/acl-token`]),
      ...(consul.caCertificate === undefined ? [] : [`-ca-file=${DATA_PATH}/ca.pem`]),
      ...options.extraArgs.map(literal),
    ],
    env: [
      ...downward('POD_NAME', 'POD_NAMESPACE', 'HOST_IP'),
      ...variable('CONSUL_TLS_SERVER_NAME', escaped(consul.tlsServerName)),
    ],
    resources: resourceFields(options.resources.sidecar),
    volumeMounts: [DATA_MOUNT, ...options.userVolumeMounts],
    securityContext: securityContext(settings),
  };
}

function escaped(text: string | undefined): string | undefined {
  return text === undefined ? undefined : literal(text);
}
