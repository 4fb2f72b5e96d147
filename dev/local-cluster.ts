/** What a cluster would add to the manifests of a folder, when all that they describe runs on this machine. */
import { asString, isObject, property, type JsonObject } from '../src/support/json.ts';

const NODE = 'local';
const ADDRESS = '127.0.0.1';

/**
 * For each Service that selects pods and has no EndpointSlice of its own: one, with the loopback address and the target port;
 * for a LoadBalancer without a status, and for nodes when there is none: the same address.
 */
export function localCluster(objects: readonly JsonObject[]): readonly JsonObject[] {
  const services = objects.filter((object) => object['kind'] === 'Service');
  const withSlices = new Set(objects.filter((object) => object['kind'] === 'EndpointSlice').map(serviceOf));
  const added = services
    .filter((service) => isLocal(service) && !withSlices.has(keyOf(service)))
    .map(sliceOf);
  const nodes = objects.some((object) => object['kind'] === 'Node') ? [] : [LOCAL_NODE];
  return [...objects.map(withStatus), ...added, ...nodes];
}

const LOCAL_NODE: JsonObject = {
  kind: 'Node',
  metadata: { name: NODE },
  status: { addresses: [{ type: 'InternalIP', address: ADDRESS }] },
};

function isLocal(service: JsonObject): boolean {
  const selector = property(service['spec'], 'selector');
  return isObject(selector) && Object.keys(selector).length > 0;
}

function keyOf({ metadata }: JsonObject): string {
  return `${asString(property(metadata, 'namespace'))}/${asString(property(metadata, 'name'))}`;
}

function serviceOf({ metadata }: JsonObject): string {
  const name = asString(property(property(metadata, 'labels'), 'kubernetes.io/service-name'));
  return `${asString(property(metadata, 'namespace'))}/${name}`;
}

function sliceOf({ metadata, spec }: JsonObject): JsonObject {
  const name = asString(property(metadata, 'name')) ?? '';
  const ports = property(spec, 'ports');
  return {
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-local`,
      namespace: property(metadata, 'namespace'),
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType: 'IPv4',
    ports: (Array.isArray(ports) ? ports : []).map((port: unknown) => ({
      name: property(port, 'name') ?? '',
      port: targetPort(port),
    })),
    endpoints: [{ addresses: [ADDRESS], conditions: { ready: true }, nodeName: NODE }],
  };
}

/** A name refers to a port of a container, which no folder of Services has; the port of the Service stands for it. */
function targetPort(port: unknown): unknown {
  const target = property(port, 'targetPort');
  return typeof target === 'number' ? target : property(port, 'port');
}

function withStatus(object: JsonObject): JsonObject {
  const isBare =
    object['kind'] === 'Service' &&
    property(object['spec'], 'type') === 'LoadBalancer' &&
    property(object['status'], 'loadBalancer') === undefined;
  return isBare ? { ...object, status: { loadBalancer: { ingress: [{ ip: ADDRESS }] } } } : object;
}
