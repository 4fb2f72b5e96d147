/** Dataplane mode: one container; Tandem's registrar writes the registration, and has to be there before the proxy asks. */
import type { JsonObject } from '../support/json.ts';
import { CA_ANNOTATION } from '../model/kubernetes-names.ts';
import { tokenMount, tokenVolume, type SidecarPlan } from './sidecar-plan.ts';
import { classicSidecarSeconds, lifecycleField } from './drain.ts';
import { downward, portFields, resourceFields, securityContext } from './container-parts.ts';
import {
  CA_PATH,
  CA_VOLUME,
  DATA_PATH,
  DATA_VOLUME,
  DATAPLANE_CONTAINER,
  INBOUND_PORT,
  READY_PORT,
  syntheticNodeName,
  TOKEN_PATH,
} from './names.ts';
import type { Lifecycle } from './lifecycle-options.ts';
import type { Metrics } from './metrics-options.ts';
import type { MeshPod } from './mesh-pod.ts';
import { literal, proxyId, registrationVariables } from './registration-variable.ts';
import type { ConsulAccess, DataplaneSettings } from './settings.ts';

/** @param registration what `registrationOf` gives for the same pod */
export function dataplaneMode(mesh: MeshPod, settings: DataplaneSettings, registration: string): SidecarPlan {
  const { consul } = settings;
  const sidecar = container(mesh, settings, registration);
  return {
    volumes: [
      ...(mesh.mountContainers.length === 0 ? [] : [{ name: DATA_VOLUME, emptyDir: {} }]),
      ...(hasCa(consul) ? [caVolume] : []),
      ...(consul.authMethod === undefined ? [] : [tokenVolume]),
      ...mesh.userVolumes,
    ],
    initContainers: mesh.nativeSidecar ? [{ ...sidecar, restartPolicy: 'Always' }] : [],
    containers: mesh.nativeSidecar ? [] : [{ ...sidecar, ...lifecycleField(holdSeconds(mesh)) }],
    annotations: new Map(hasCa(consul) ? [[CA_ANNOTATION, consul.caCertificate]] : []),
  };
}

/** consul-dataplane itself stays for its grace period; the hook is for one that stays too short or not at all. */
function holdSeconds(mesh: MeshPod): number {
  const seconds = classicSidecarSeconds(mesh.drainSeconds);
  return (mesh.lifecycle?.shutdownGraceSeconds ?? 0) >= seconds ? 0 : seconds;
}

const caVolume: JsonObject = {
  name: CA_VOLUME,
  downwardAPI: {
    items: [{ path: 'ca.pem', fieldRef: { fieldPath: `metadata.annotations['${CA_ANNOTATION}']` } }],
  },
};

function hasCa(consul: ConsulAccess): consul is ConsulAccess & { readonly caCertificate: string } {
  return consul.tls && consul.caCertificate !== undefined;
}

// Up to 1.6, 1.7.5 and 1.8.2 the programs of the image carry the file capability cap_net_bind_service (its Dockerfile). The
// kernel refuses to start a file whose capability is not in the bounding set: "operation not permitted". The process itself
// gets no capability, for without privilege escalation a file grants none. The restricted profile allows this one.
const CAPABILITIES: JsonObject = { drop: ['ALL'], add: ['NET_BIND_SERVICE'] };

function container(mesh: MeshPod, settings: DataplaneSettings, registration: string): JsonObject {
  const { consul } = settings;
  return {
    name: DATAPLANE_CONTAINER,
    image: settings.dataplaneImage,
    args: dataplaneArgs(mesh, settings),
    env: [
      ...downward('POD_NAME', 'POD_NAMESPACE', 'POD_UID', 'POD_IP', 'NODE_NAME'),
      ...registrationVariables(mesh, registration),
    ],
    ...portFields(mesh.metrics),
    resources: resourceFields(mesh.resources.sidecar),
    ...mounts(mesh, consul),
    ...probes(mesh),
    securityContext: { ...securityContext(settings), capabilities: CAPABILITIES },
  };
}

function mounts(mesh: MeshPod, consul: ConsulAccess): JsonObject {
  const volumeMounts = [
    ...(mesh.mountContainers.length === 0 ? [] : [{ name: DATA_VOLUME, mountPath: DATA_PATH }]),
    ...(hasCa(consul) ? [{ name: CA_VOLUME, mountPath: CA_PATH, readOnly: true }] : []),
    ...(consul.authMethod === undefined ? [] : [tokenMount]),
    ...mesh.userVolumeMounts,
  ];
  return volumeMounts.length === 0 ? {} : { volumeMounts };
}

function dataplaneArgs(mesh: MeshPod, { consul, owner }: DataplaneSettings): string[] {
  return [
    `-addresses=${literal(consul.serverAddresses)}`,
    `-grpc-port=${consul.grpcPort}`,
    `-proxy-id=${proxyId(mesh.services[0].name)}`,
    `-proxy-node-name=${syntheticNodeName(owner, '$(NODE_NAME)')}`,
    `-envoy-concurrency=${mesh.concurrency}`,
    '-envoy-ready-bind-address=$(POD_IP)',
    `-envoy-ready-bind-port=${READY_PORT}`,
    '-log-json=true',
    ...tlsArgs(consul),
    ...loginArgs(consul, owner),
    ...(mesh.metrics === undefined ? [] : metricsArgs(mesh.metrics)),
    ...(mesh.lifecycle === undefined ? [] : lifecycleArgs(mesh.lifecycle)),
    ...(mesh.extraArgs.length === 0 ? [] : ['--', ...mesh.extraArgs.map(literal)]),
  ];
}

function tlsArgs(consul: ConsulAccess): string[] {
  if (!consul.tls) return ['-tls-disabled'];
  return [
    ...(hasCa(consul) ? [`-ca-certs=${CA_PATH}/ca.pem`] : []),
    ...(consul.tlsServerName === undefined ? [] : [`-tls-server-name=${literal(consul.tlsServerName)}`]),
  ];
}

function loginArgs({ authMethod }: ConsulAccess, owner: string): string[] {
  if (authMethod === undefined) return [];
  return [
    '-credential-type=login',
    `-login-auth-method=${literal(authMethod)}`,
    `-login-bearer-token-path=${TOKEN_PATH}/token`,
    '-login-meta=pod=$(POD_NAMESPACE)/$(POD_NAME)',
    '-login-meta=pod-uid=$(POD_UID)',
    `-login-meta=owner=${owner}`,
  ];
}

function metricsArgs({ path, mergedPort, serviceUrl, tls }: Metrics): string[] {
  return [
    `-telemetry-prom-scrape-path=${literal(path)}`,
    `-telemetry-prom-merge-port=${mergedPort}`,
    ...(serviceUrl === undefined ? [] : [`-telemetry-prom-service-metrics-url=${literal(serviceUrl)}`]),
    ...(tls === undefined
      ? []
      : [
          `-telemetry-prom-ca-certs-path=${literal(tls.ca)}`,
          `-telemetry-prom-cert-file=${literal(tls.certificate)}`,
          `-telemetry-prom-key-file=${literal(tls.key)}`,
        ]),
  ];
}

function lifecycleArgs(lifecycle: Lifecycle): string[] {
  return [
    ...(lifecycle.drainListeners ? ['-shutdown-drain-listeners'] : []),
    `-shutdown-grace-period-seconds=${lifecycle.shutdownGraceSeconds}`,
    `-graceful-port=${lifecycle.gracefulPort}`,
    `-graceful-shutdown-path=${literal(lifecycle.shutdownPath)}`,
    `-startup-grace-period-seconds=${lifecycle.startupGraceSeconds}`,
    `-graceful-startup-path=${literal(lifecycle.startupPath)}`,
  ];
}

// As in agent mode: a second a try, a minute in all.
const STARTUP_SECONDS = 60;

// Envoy answers when every listener has its first configuration. Every image has it; the command
// `consul-dataplane -check-proxy-health` came with 1.6.9, 1.7.5, 1.8.2 and 1.9.0.
const READY: JsonObject = { httpGet: { path: '/ready', port: READY_PORT } };

function probes(mesh: MeshPod): JsonObject {
  const healthy = mesh.proxyHealthCheck ? READY : { tcpSocket: { port: INBOUND_PORT } };
  return {
    startupProbe: {
      ...READY,
      periodSeconds: 1,
      failureThreshold: mesh.startupFailureSeconds || STARTUP_SECONDS,
    },
    readinessProbe: { ...healthy, periodSeconds: 10 },
    ...(mesh.livenessFailureSeconds === 0
      ? {}
      : {
          livenessProbe: { ...healthy, periodSeconds: 1, failureThreshold: mesh.livenessFailureSeconds },
        }),
  };
}
