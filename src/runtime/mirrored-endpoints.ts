/** The EndpointSlices that the control plane makes of Endpoints that people write; a folder does not have them. */
import { SERVICE_NAME_LABEL } from '../model/kubernetes-names.ts';
import {
  asList,
  asString,
  elementsAt,
  isObject,
  property,
  textAt,
  type JsonObject,
} from '../support/json.ts';
import { familyOf, type IpFamily } from '../support/ip-address.ts';

// Kubernetes, "EndpointSlice mirroring": these are left alone.
const SKIP_LABEL = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

/** The objects, and a slice for each subset and family of the Endpoints of a Service without selector and without slices. */
export function withMirroredEndpoints(objects: readonly JsonObject[]): readonly JsonObject[] {
  const ofKind = (kind: string): JsonObject[] => objects.filter((object) => object['kind'] === kind);
  const withSlices = new Set(
    ofKind('EndpointSlice').map(({ metadata }) =>
      keyOf(metadata, property(property(metadata, 'labels'), SERVICE_NAME_LABEL)),
    ),
  );
  const withoutSelector = new Set(
    ofKind('Service')
      .filter(({ spec }) => !hasSelector(spec))
      .map(({ metadata }) => keyOf(metadata)),
  );
  const mirrored = ofKind('Endpoints').filter(
    ({ metadata }) =>
      withoutSelector.has(keyOf(metadata)) && !withSlices.has(keyOf(metadata)) && isMirrored(metadata),
  );
  return [...objects, ...mirrored.flatMap(slicesOf)];
}

function keyOf(metadata: unknown, name: unknown = property(metadata, 'name')): string {
  return `${asString(property(metadata, 'namespace'))}/${asString(name)}`;
}

function hasSelector(spec: unknown): boolean {
  const selector = property(spec, 'selector');
  return isObject(selector) && Object.keys(selector).length > 0;
}

function isMirrored(metadata: unknown): boolean {
  return (
    property(property(metadata, 'labels'), SKIP_LABEL) !== 'true' &&
    property(property(metadata, 'annotations'), LEADER_ANNOTATION) === undefined
  );
}

function slicesOf({ metadata, subsets }: JsonObject): JsonObject[] {
  const service = textAt(metadata, 'name');
  return asList(subsets).flatMap((subset, index) => {
    const all = [
      ...elementsAt(subset, 'addresses').map((address) => ({ address, ready: true })),
      ...elementsAt(subset, 'notReadyAddresses').map((address) => ({ address, ready: false })),
    ];
    return FAMILIES.flatMap((family): JsonObject[] => {
      const endpoints = all
        .filter(({ address }) => familyOf(textAt(address, 'ip')) === family)
        .map(({ address, ready }) => endpointOf(address, ready));
      if (endpoints.length === 0) return [];
      return [
        {
          kind: 'EndpointSlice',
          metadata: {
            name: `${service}-mirrored-${index}-${family.toLowerCase()}`,
            namespace: property(metadata, 'namespace'),
            labels: { [SERVICE_NAME_LABEL]: service },
          },
          addressType: family,
          ports: elementsAt(subset, 'ports'),
          endpoints,
        },
      ];
    });
  });
}

function endpointOf(address: unknown, ready: boolean): JsonObject {
  return {
    addresses: [property(address, 'ip')],
    conditions: { ready },
    nodeName: property(address, 'nodeName'),
    targetRef: property(address, 'targetRef'),
  };
}
