/**
 * The registration that the init container of an injected pod gives to the agent of its node: the service, its proxy,
 * and the checks, in the snake_case form that `consul services register` reads.
 */
import type { Options } from './options.ts';
import { INBOUND_PORT } from './names.ts';
import { LOOPBACK, type Upstream } from './upstream.ts';

/** Envoy listens for its peers; a pod that vanished with its node is reaped by it. */
export const LISTENER_CHECK = { name: 'Proxy Public Listener', interval: '10s', reapedAfter: '10m' };
/** The proxy is as healthy as what it stands for. */
export const ALIAS_CHECK = 'Destination Alias';

/** Ids as Consul shows them; the kubelet fills in the name of the pod. */
export function serviceId(service: string): string {
  return `$(POD_NAME)-${service}`;
}

export function proxyId(service: string): string {
  return `${serviceId(service)}-sidecar-proxy`;
}

/**
 * Text of an annotation inside a value in which the kubelet expands `$(NAME)`: every `$` doubled comes out single.
 * Source: Kubernetes, "Define Dependent Environment Variables"; k8s.io/kubernetes third_party/forked/golang/expansion.
 */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

/** One JSON document; `$(POD_NAME)` and its like are filled in by the kubelet. */
export function agentRegistration(
  { service, upstreams, metrics }: Options,
  owner: string | undefined,
): string {
  const meta = registrationMeta(service.meta, owner);
  return JSON.stringify({
    services: [
      {
        id: serviceId(service.name),
        name: service.name,
        address: '$(POD_IP)',
        ...(service.port === undefined ? {} : { port: service.port }),
        tags: registrationTags(service.tags),
        meta,
      },
      {
        kind: 'connect-proxy',
        id: proxyId(service.name),
        name: `${service.name}-sidecar-proxy`,
        address: '$(POD_IP)',
        port: INBOUND_PORT,
        tags: registrationTags(service.tags),
        meta,
        proxy: {
          destination_service_name: service.name,
          destination_service_id: serviceId(service.name),
          ...(service.port === undefined
            ? {}
            : { local_service_address: LOOPBACK, local_service_port: service.port }),
          upstreams: upstreams.map(registrationUpstream),
          ...(metrics === undefined
            ? {}
            : { config: { envoy_prometheus_bind_addr: `0.0.0.0:${metrics.port}` } }),
        },
        checks: [
          {
            name: LISTENER_CHECK.name,
            tcp: `$(POD_IP):${INBOUND_PORT}`,
            interval: LISTENER_CHECK.interval,
            deregister_critical_service_after: LISTENER_CHECK.reapedAfter,
          },
          { name: ALIAS_CHECK, alias_service: serviceId(service.name) },
        ],
      },
    ],
  });
}

function registrationTags(tags: readonly string[]): readonly string[] {
  return tags.map((tag) => (tag === '$POD_NAME' ? '$(POD_NAME)' : literal(tag)));
}

function registrationMeta(meta: ReadonlyMap<string, string>, owner: string | undefined): object {
  return Object.fromEntries([
    ...[...meta].map(([key, value]) => [key, literal(value)] as const),
    ['pod-name', '$(POD_NAME)'],
    ['pod-uid', '$(POD_UID)'],
    ['k8s-namespace', '$(POD_NAMESPACE)'],
    ['external-source', 'kubernetes'],
    ['managed-by', 'tandem'],
    ...(owner === undefined ? [] : [['tandem-owner', owner] as const]),
  ]);
}

function registrationUpstream(upstream: Upstream): object {
  const { name, datacenter, localBindAddress, localBindPort } = upstream;
  return {
    destination_type: upstream.kind === 'service' ? 'service' : 'prepared_query',
    destination_name: name,
    ...(upstream.kind === 'service' ? serviceDetails(upstream) : {}),
    ...(datacenter === undefined ? {} : { datacenter }),
    local_bind_address: localBindAddress,
    local_bind_port: localBindPort,
  };
}

function serviceDetails(upstream: Extract<Upstream, { kind: 'service' }>): object {
  const { namespace, partition, peer, destinationPort, meshGatewayMode } = upstream;
  return {
    ...(namespace === undefined ? {} : { destination_namespace: namespace }),
    ...(partition === undefined ? {} : { destination_partition: partition }),
    ...(peer === undefined ? {} : { destination_peer: peer }),
    ...(destinationPort === undefined ? {} : { destination_port: destinationPort }),
    ...(meshGatewayMode === undefined ? {} : { mesh_gateway: { mode: meshGatewayMode } }),
  };
}
