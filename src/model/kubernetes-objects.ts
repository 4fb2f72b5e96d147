/**
 * What is kept in memory of Services, EndpointSlices, Nodes and Ingresses, and the reading of it from the JSON of a list
 * or a watch. Reading is total: whatever the JSON is, the well-formed parts are kept and the others are absent.
 */
import { MANAGED_BY } from './consul-names.ts';
import { MANAGED_BY_LABEL, OWNER_ANNOTATION, SERVICE_NAME_LABEL, ZONE_LABEL } from './kubernetes-names.ts';
import { withoutRoot } from '../support/dns-name.ts';
import { familyOf, type IpFamily } from '../support/ip-address.ts';
import { asList, elementsAt, filledAt, property, textAt } from '../support/json.ts';
import { isPort } from '../support/port.ts';
import { readServiceAnnotations, type ServiceAnnotations } from './service-annotations.ts';

type ServiceType = 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';

export type ServicePort = {
  /** Empty when the port has no name, which Kubernetes allows for a single port. */
  readonly name: string;
  readonly port: number;
  readonly nodePort: number | undefined;
};

export type Service = ServiceAnnotations & {
  readonly namespace: string;
  readonly name: string;
  /** Events refer to it. */
  readonly uid: string;
  readonly type: ServiceType | 'unsupported';
  /** `spec.clusterIP` is `None`. */
  readonly headless: boolean;
  /** `spec.publishNotReadyAddresses`: its endpoints count as ready for as long as Kubernetes says so of them. */
  readonly publishesNotReady: boolean;
  /** Families in which kube-proxy serves it; empty when unknown, as in a manifest. */
  readonly ipFamilies: readonly IpFamily[];
  readonly externalName: string | undefined;
  readonly externalIps: readonly string[];
  /** `ip`, else `hostname`, of every entry in `status.loadBalancer.ingress`. */
  readonly loadBalancer: readonly string[];
  readonly ports: readonly ServicePort[];
  /** Created by Tandem itself, from a Consul service. */
  readonly madeByTandem: boolean;
};

export type Endpoint = {
  readonly addresses: readonly string[];
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  readonly node: string | undefined;
  readonly zone: string | undefined;
  /** Kind and name of `targetRef`. */
  readonly refKind: string | undefined;
  readonly refName: string | undefined;
};

export type EndpointSlice = {
  readonly namespace: string;
  readonly name: string;
  /** The Service it belongs to, in the same namespace. */
  readonly service: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly endpoints: readonly Endpoint[];
};

export type Node = {
  readonly name: string;
  /** The first address of type ExternalIP of each family. */
  readonly externalIps: readonly string[];
  /** The first address of type InternalIP of each family. */
  readonly internalIps: readonly string[];
  readonly zone: string | undefined;
};

type IngressRule = {
  /** In lower case; empty for a rule without one. */
  readonly host: string;
  /** Names of the Services of all its paths. */
  readonly services: readonly string[];
};

export type Ingress = {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly IngressRule[];
  /** In lower case; `*` for a TLS entry that names no host. */
  readonly tlsHosts: readonly string[];
  /** `ip`, else `hostname`, of every entry in `status.loadBalancer.ingress`. */
  readonly loadBalancer: readonly string[];
};

const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];
const TYPES: readonly ServiceType[] = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'];

/** Undefined for what has no name and namespace. */
export function readService(raw: unknown): Service | undefined {
  const metadata = property(raw, 'metadata');
  const name = filledAt(metadata, 'name');
  const namespace = filledAt(metadata, 'namespace');
  if (name === undefined || namespace === undefined) return undefined;
  const spec = property(raw, 'spec');
  return {
    namespace,
    name,
    uid: textAt(metadata, 'uid'),
    type: readType(property(spec, 'type')),
    headless: property(spec, 'clusterIP') === 'None',
    publishesNotReady: property(spec, 'publishNotReadyAddresses') === true,
    ipFamilies: readFamilies(spec),
    externalName: hostName(spec, 'externalName'),
    externalIps: texts(property(spec, 'externalIPs')),
    loadBalancer: readLoadBalancer(raw),
    ports: elementsAt(spec, 'ports').flatMap(readServicePort),
    ...readServiceAnnotations(property(metadata, 'annotations')),
    madeByTandem:
      property(property(metadata, 'labels'), MANAGED_BY_LABEL) === MANAGED_BY ||
      property(property(metadata, 'annotations'), OWNER_ANNOTATION) !== undefined,
  };
}

/** Undefined for what has no name and namespace, or belongs to no Service. */
export function readEndpointSlice(raw: unknown): EndpointSlice | undefined {
  const metadata = property(raw, 'metadata');
  const name = filledAt(metadata, 'name');
  const namespace = filledAt(metadata, 'namespace');
  const service = filledAt(property(metadata, 'labels'), SERVICE_NAME_LABEL);
  if (name === undefined || namespace === undefined || service === undefined) return undefined;
  const ports = elementsAt(raw, 'ports').flatMap((each) => {
    const port = portNumber(property(each, 'port'));
    return port === undefined ? [] : [{ name: textAt(each, 'name'), port }];
  });
  const endpoints = elementsAt(raw, 'endpoints').flatMap(readEndpoint);
  return { namespace, name, service, ports, endpoints };
}

/** Undefined for what has no name. */
export function readNode(raw: unknown): Node | undefined {
  const metadata = property(raw, 'metadata');
  const name = filledAt(metadata, 'name');
  if (name === undefined) return undefined;
  const addresses = elementsAt(property(raw, 'status'), 'addresses');
  const firsts = (type: string): string[] => {
    const all = addresses.flatMap((each) =>
      property(each, 'type') === type ? (filledAt(each, 'address') ?? []) : [],
    );
    return FAMILIES.flatMap((family) => all.find((address) => familyOf(address) === family) ?? []);
  };
  return {
    name,
    externalIps: firsts('ExternalIP'),
    internalIps: firsts('InternalIP'),
    zone: filledAt(property(metadata, 'labels'), ZONE_LABEL),
  };
}

/** Undefined for what has no name and namespace. */
export function readIngress(raw: unknown): Ingress | undefined {
  const metadata = property(raw, 'metadata');
  const name = filledAt(metadata, 'name');
  const namespace = filledAt(metadata, 'namespace');
  if (name === undefined || namespace === undefined) return undefined;
  const spec = property(raw, 'spec');
  return {
    namespace,
    name,
    rules: [...elementsAt(spec, 'rules').map(readIngressRule), ...readDefaultBackend(spec)],
    tlsHosts: elementsAt(spec, 'tls').flatMap((entry) => {
      const hosts = texts(property(entry, 'hosts'));
      return hosts.length === 0 ? ['*'] : hosts.map((host) => host.toLowerCase());
    }),
    loadBalancer: readLoadBalancer(raw),
  };
}

function readType(type: unknown): Service['type'] {
  // The API server fills in the default; a manifest that `explain` reads may not have it.
  if (type === undefined || type === null) return 'ClusterIP';
  return TYPES.find((each) => each === type) ?? 'unsupported';
}

/** The API server fills in `ipFamilies`; a manifest may have cluster IPs and not that. */
function readFamilies(spec: unknown): IpFamily[] {
  const given = texts(property(spec, 'ipFamilies'));
  const addresses = [...texts(property(spec, 'clusterIPs')), textAt(spec, 'clusterIP')];
  const found = given.length > 0 ? given : addresses.map(familyOf);
  return FAMILIES.filter((family) => found.includes(family));
}

function readServicePort(raw: unknown): ServicePort[] {
  const port = portNumber(property(raw, 'port'));
  if (port === undefined) return [];
  return [{ name: textAt(raw, 'name'), port, nodePort: portNumber(property(raw, 'nodePort')) }];
}

function readEndpoint(raw: unknown): Endpoint[] {
  const addresses = texts(property(raw, 'addresses'));
  if (addresses.length === 0) return [];
  const reference = property(raw, 'targetRef');
  const conditions = property(raw, 'conditions');
  return [
    {
      addresses,
      // discovery.k8s.io/v1, EndpointConditions: an absent `ready` means ready, an absent `terminating` means it is not.
      isReady: property(conditions, 'ready') !== false,
      isTerminating: property(conditions, 'terminating') === true,
      node: filledAt(raw, 'nodeName'),
      zone: filledAt(raw, 'zone'),
      refKind: filledAt(reference, 'kind'),
      refName: filledAt(reference, 'name'),
    },
  ];
}

function readIngressRule(raw: unknown): IngressRule {
  const services = elementsAt(property(raw, 'http'), 'paths').flatMap((path) => {
    const name = filledAt(property(property(path, 'backend'), 'service'), 'name');
    return name === undefined ? [] : [name];
  });
  return { host: (hostName(raw, 'host') ?? '').toLowerCase(), services: [...new Set(services)] };
}

/** A rule for what no other one matches, of any host. */
function readDefaultBackend(spec: unknown): IngressRule[] {
  const name = filledAt(property(property(spec, 'defaultBackend'), 'service'), 'name');
  return name === undefined ? [] : [{ host: '', services: [name] }];
}

function readLoadBalancer(raw: unknown): string[] {
  const entries = elementsAt(property(property(raw, 'status'), 'loadBalancer'), 'ingress');
  return entries.flatMap((entry) => {
    const address = filledAt(entry, 'ip') ?? hostName(entry, 'hostname');
    return address === undefined ? [] : [address];
  });
}

function portNumber(value: unknown): number | undefined {
  return isPort(value) ? value : undefined;
}

/** Without the dot of the root, which Consul's clients would take as part of the address. */
function hostName(value: unknown, key: string): string | undefined {
  const found = filledAt(value, key);
  return found === undefined || found === '.' ? undefined : withoutRoot(found);
}

function texts(value: unknown): string[] {
  return asList(value).filter((each): each is string => typeof each === 'string' && each !== '');
}
