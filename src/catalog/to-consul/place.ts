/** A place where a Service answers: one address, with what is known about it. Each becomes one instance per port. */
import type { MetaPair } from './meta.ts';
import type { PortNumbers } from './ports.ts';

/** What Kubernetes says about an endpoint that is registered, or `none` where it says nothing. */
export type Health = 'none' | 'ready' | 'not-ready' | 'terminating';

export type Place = {
  readonly address: string;
  readonly health: Health;
  readonly numberOf: PortNumbers;
  readonly about: readonly MetaPair[];
};

/** The closed vocabulary of what is left out of a Service that is synced. */
export const omitReasons = {
  'not-ready': 'the endpoint is not ready, and such endpoints are left out',
  terminating: 'the endpoint is terminating, and such endpoints are left out',
  'no-node': 'the endpoint names no node',
  'unknown-node': 'the node is not known, or not yet',
  'nodes-unknown':
    'the nodes are not listed yet, and until then what Consul has of the Service stays as it is',
  'no-node-address': 'the node has no address of the wanted type and IP family',
  'other-ip-family': 'the Service does not have the IP family of the address, so nothing serves there',
  'port-not-in-slice': 'the EndpointSlice does not have the port',
  'no-load-balancer-address': 'the load balancer has no address yet',
  'points-into-consul': "the name is in the domain of Consul's DNS, which would be a loop",
  'points-at-itself': 'the name is that of the Service itself',
  'no-endpoints': 'the Service has no endpoints',
  'behind-ingress': 'an Ingress routes to the Service, whose instances replace those of the endpoints',
  'no-host': 'the Ingress rule has no host',
  'wildcard-host': 'the host of the Ingress rule is a wildcard, which is not an address',
} as const;

export type OmitReason = keyof typeof omitReasons;

export type Omitted = {
  readonly reason: OmitReason;
  /** The address of an endpoint, or the name of a node or an Ingress; empty for the Service as a whole. */
  readonly what: string;
};

export type Places = { readonly places: readonly Place[]; readonly omitted: readonly Omitted[] };
