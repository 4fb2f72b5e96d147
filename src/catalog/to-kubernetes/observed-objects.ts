/** What is kept of the objects in the write namespace, ours and others, and the reading of it from the API's JSON. */
import type { IpFamily } from '../../support/ip-address.ts';
import { OWNER_ANNOTATION, SOURCE_ANNOTATION } from '../../model/kubernetes-names.ts';
import {
  asString,
  elementsAt,
  filledAt,
  isObject,
  numberAt,
  property,
  textAt,
  textPairs,
} from '../../support/json.ts';
import type { ReadyEndpoint } from './desired-objects.ts';
import type { Marks } from './marks.ts';

type Identity = Marks & {
  readonly name: string;
  readonly uid: string;
  /** `resourceVersion`. */
  readonly version: string;
  /** Undefined for what Tandem did not make. */
  readonly owner: string | undefined;
  /** Name in Consul. */
  readonly source: string | undefined;
};

type ObservedPort = { readonly name: string; readonly protocol: string; readonly port: number };

export type ObservedService = Identity & {
  readonly type: string;
  readonly externalName: string | undefined;
  readonly isHeadless: boolean;
  /** With one, a controller of Kubernetes writes endpoints too. */
  readonly hasSelector: boolean;
  readonly ports: readonly ObservedPort[];
};

type ObservedEndpoint = ReadyEndpoint & {
  /** As Tandem writes it: one address, ready, and nothing else that counts. */
  readonly isPlain: boolean;
};

export type ObservedSlice = Identity & {
  readonly family: IpFamily | undefined;
  /** 0: none; undefined when there are several, or one that Tandem never writes. */
  readonly port: number | undefined;
  readonly endpoints: readonly ObservedEndpoint[];
};

/** Undefined for what has no name, uid and version. */
export function readObservedService(raw: unknown): ObservedService | undefined {
  const identity = readIdentity(raw);
  if (identity === undefined) return undefined;
  const spec = property(raw, 'spec');
  const selector = property(spec, 'selector');
  return {
    ...identity,
    type: asString(property(spec, 'type')) ?? 'ClusterIP',
    externalName: filledAt(spec, 'externalName'),
    isHeadless: property(spec, 'clusterIP') === 'None',
    hasSelector: isObject(selector) && Object.keys(selector).length > 0,
    ports: elementsAt(spec, 'ports').map(readPort),
  };
}

/** Undefined for what has no name, uid and version. */
export function readObservedSlice(raw: unknown): ObservedSlice | undefined {
  const identity = readIdentity(raw);
  if (identity === undefined) return undefined;
  const family = property(raw, 'addressType');
  return {
    ...identity,
    family: family === 'IPv4' || family === 'IPv6' ? family : undefined,
    port: slicePort(elementsAt(raw, 'ports').map(readPort)),
    endpoints: elementsAt(raw, 'endpoints').map(readEndpoint),
  };
}

function readIdentity(raw: unknown): Identity | undefined {
  const metadata = property(raw, 'metadata');
  const name = asString(property(metadata, 'name'));
  const uid = asString(property(metadata, 'uid'));
  const version = asString(property(metadata, 'resourceVersion'));
  if (name === undefined || uid === undefined || version === undefined) return undefined;
  const annotations = Object.fromEntries(textPairs(property(metadata, 'annotations')));
  return {
    name,
    uid,
    version,
    owner: annotations[OWNER_ANNOTATION],
    source: annotations[SOURCE_ANNOTATION],
    labels: Object.fromEntries(textPairs(property(metadata, 'labels'))),
    annotations,
  };
}

/** The API server fills in the protocol, and leaves out an empty name. */
function readPort(raw: unknown): ObservedPort {
  return {
    name: textAt(raw, 'name'),
    protocol: asString(property(raw, 'protocol')) ?? 'TCP',
    port: numberAt(raw, 'port'),
  };
}

function slicePort(ports: readonly ObservedPort[]): number | undefined {
  const [first] = ports;
  if (first === undefined) return 0;
  return ports.length === 1 && first.name === '' && first.protocol === 'TCP' ? first.port : undefined;
}

function readEndpoint(raw: unknown): ObservedEndpoint {
  const addresses = elementsAt(raw, 'addresses');
  const conditions = property(raw, 'conditions');
  return {
    address: asString(addresses[0]) ?? '',
    zone: filledAt(raw, 'zone'),
    isPlain:
      addresses.length === 1 &&
      property(conditions, 'ready') === true &&
      property(conditions, 'serving') !== false &&
      property(conditions, 'terminating') !== true,
  };
}
