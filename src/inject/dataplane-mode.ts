/** Dataplane mode: one container. Tandem's registrar writes the registration, which has to be there before the proxy asks. */
import type { JsonObject } from '../support/json.ts';
import { CA_ANNOTATION } from '../model/kubernetes-names.ts';
import { accountVolumes, type RegisteredSidecar, type Sidecar } from './sidecar.ts';
import { tokenVolumes, trustAnnotation, type SidecarPlan } from './sidecar-plan.ts';
import { DNS_PORT } from './consul-dns.ts';
import { classicSidecarSeconds, lifecycleField } from './drain.ts';
import { downward, portFields, resourceFields, securityContext } from './container-parts.ts';
import {
  ADMIN_PORT,
  CA_PATH,
  CA_VOLUME,
  DATA_VOLUME,
  DATAPLANE_CONTAINER,
  DATAPLANE_DEFAULT_GRACEFUL_PORT,
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

export function dataplaneMode(
  mesh: MeshPod,
  sidecars: readonly RegisteredSidecar[],
  settings: DataplaneSettings,
): SidecarPlan {
  const { consul } = settings;
  const containers = sidecars.map((each) => container(mesh, each, settings));
  return {
    volumes: [
      ...(mesh.mountContainers.length === 0 ? [] : [{ name: DATA_VOLUME, emptyDir: {} }]),
      ...(hasCa(consul) ? [caVolume] : []),
      ...tokenVolumes(consul),
      ...accountVolumes(mesh),
      ...mesh.userVolumes,
    ],
    initContainers: mesh.nativeSidecar ? containers : [],
    containers: mesh.nativeSidecar ? [] : containers,
    annotations: new Map([
      ...(hasCa(consul) ? [[CA_ANNOTATION, consul.caCertificate] as const] : []),
      ...trustAnnotation(consul),
    ]),
  };
}

/** consul-dataplane itself runs for its grace period; the hook is for a period that is too short or off. */
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

function container(mesh: MeshPod, sidecar: RegisteredSidecar, settings: DataplaneSettings): JsonObject {
  const { consul } = settings;
  return {
    name: DATAPLANE_CONTAINER + sidecar.suffix,
    image: settings.dataplaneImage,
    args: dataplaneArgs(mesh, sidecar, settings),
    env: [
      ...downward('POD_NAME', 'POD_NAMESPACE', 'POD_UID', 'POD_IP', 'NODE_NAME'),
      ...registrationVariables(mesh, sidecar.service, sidecar.registration),
    ],
    ...portFields(sidecar.metrics),
    resources: resourceFields(mesh.resources.sidecar),
    ...mounts(mesh, sidecar, consul),
    ...probes(mesh, sidecar),
    securityContext: { ...securityContext(settings), capabilities: CAPABILITIES },
    ...(mesh.nativeSidecar ? { restartPolicy: 'Always' } : lifecycleField(holdSeconds(mesh))),
  };
}

function mounts(mesh: MeshPod, sidecar: Sidecar, consul: ConsulAccess): JsonObject {
  const volumeMounts = [
    ...(mesh.mountContainers.length === 0 ? [] : [sidecar.dataMount]),
    ...(hasCa(consul) ? [{ name: CA_VOLUME, mountPath: CA_PATH, readOnly: true }] : []),
    ...(consul.authMethod === undefined ? [] : [sidecar.tokenMount]),
    ...mesh.userVolumeMounts,
  ];
  return volumeMounts.length === 0 ? {} : { volumeMounts };
}

function dataplaneArgs(mesh: MeshPod, sidecar: Sidecar, { consul, owner }: DataplaneSettings): string[] {
  const { service, index, metrics } = sidecar;
  const envoyArgs = [...sidecar.baseId, ...mesh.extraArgs.map(literal)];
  return [
    `-addresses=${literal(consul.serverAddresses)}`,
    `-grpc-port=${consul.grpcPort}`,
    `-proxy-id=${proxyId(service.name)}`,
    `-proxy-node-name=${syntheticNodeName(owner, '$(NODE_NAME)')}`,
    `-envoy-concurrency=${mesh.concurrency}`,
    '-envoy-ready-bind-address=$(POD_IP)',
    `-envoy-ready-bind-port=${READY_PORT + index}`,
    ...(index === 0 ? [] : [`-envoy-admin-bind-port=${ADMIN_PORT + index}`]),
    '-log-json=true',
    ...tlsArgs(consul),
    ...loginArgs(consul, owner),
    ...(metrics === undefined ? [] : metricsArgs(metrics)),
    ...lifecycleArgs(mesh.lifecycle, index),
    ...(mesh.redirect?.dns === undefined ? [] : [`-consul-dns-bind-port=${DNS_PORT}`]),
    ...(envoyArgs.length === 0 ? [] : ['--', ...envoyArgs]),
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

/** consul-dataplane listens there even if no other metrics are on. */
function lifecycleArgs(lifecycle: Lifecycle | undefined, index: number): string[] {
  if (lifecycle === undefined)
    return index === 0 ? [] : [`-graceful-port=${DATAPLANE_DEFAULT_GRACEFUL_PORT + index}`];
  return [
    ...(lifecycle.drainListeners ? ['-shutdown-drain-listeners'] : []),
    `-shutdown-grace-period-seconds=${lifecycle.shutdownGraceSeconds}`,
    `-graceful-port=${lifecycle.gracefulPort + index}`,
    `-graceful-shutdown-path=${literal(lifecycle.shutdownPath)}`,
    `-startup-grace-period-seconds=${lifecycle.startupGraceSeconds}`,
    `-graceful-startup-path=${literal(lifecycle.startupPath)}`,
  ];
}

// As in agent mode: one try a second, a minute in all.
const STARTUP_SECONDS = 60;

// Envoy answers when every listener has its first configuration. Every image has it; the command
// `consul-dataplane -check-proxy-health` came with 1.6.9, 1.7.5, 1.8.2 and 1.9.0.
function probes(mesh: MeshPod, { index }: Sidecar): JsonObject {
  const ready = { httpGet: { path: '/ready', port: READY_PORT + index } };
  const healthy = mesh.proxyHealthCheck ? ready : { tcpSocket: { port: INBOUND_PORT + index } };
  return {
    startupProbe: {
      ...ready,
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
