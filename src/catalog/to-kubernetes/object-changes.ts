/** One write to the API server, as data: a new object, a merge patch of what differs, or a removal. */
import type { JsonObject } from '../../support/json.ts';
import type { DesiredService, ReadyEndpoint } from './desired-objects.ts';
import { missingMarks, type Marks } from './marks.ts';
import type { ObservedService, ObservedSlice } from './observed-objects.ts';
import type { DesiredSlice } from './slices.ts';

export type ObjectKind = 'Service' | 'EndpointSlice';

type Target = {
  readonly kind: ObjectKind;
  readonly name: string;
  /** Name in Consul; empty for an object of ours that has lost it. */
  readonly source: string;
};

/** A write to an object that is no longer the one that was observed must fail: the uid and the version say which. */
type Precondition = { readonly uid: string; readonly version: string };

export type Create = Target & { readonly action: 'create'; readonly object: JsonObject };
export type ObjectUpdate = Target &
  Precondition & {
    readonly action: 'update';
    /** Those that differ; never empty. */
    readonly fields: readonly string[];
    /** RFC 7386, without the precondition. */
    readonly patch: JsonObject;
  };
export type Delete = Target & Precondition & { readonly action: 'delete' };
export type ObjectChange = Create | ObjectUpdate | Delete;

/** Where the objects are, and whose they are. */
export type ObjectScope = { readonly owner: string; readonly namespace: string };

/** The two that an object is identified by in reports and in the deletion guard: `Service/web`. */
export function objectId({ kind, name }: Pick<Target, 'kind' | 'name'>): string {
  return `${kind}/${name}`;
}

export function newService(
  target: { readonly name: string; readonly source: string },
  desired: DesiredService,
  marks: Marks,
  namespace: string,
): Create {
  const metadata = { namespace, name: target.name, ...marks };
  const spec = { type: typeOf(desired), ...specOf(desired) };
  return {
    action: 'create',
    kind: 'Service',
    ...target,
    object: { apiVersion: 'v1', kind: 'Service', metadata, spec },
  };
}

/**
 * What the API server fills in (cluster IPs, families, traffic policies) and what others set beside it stays as it is.
 *
 * @returns a removal when the difference is one that no update may make, between headless and not; the next reconcile creates the
 *   object again. Undefined when there is no difference
 */
export function changedService(
  desired: DesiredService,
  marks: Marks,
  source: string,
  found: ObservedService,
): ObjectUpdate | Delete | undefined {
  const { name, uid, version } = found;
  const type = typeOf(desired);
  const isHeadless = desired.kind === 'endpoints' && desired.port === 0;
  if (type === 'ClusterIP' && found.type !== 'ExternalName' && isHeadless !== found.isHeadless)
    return { action: 'delete', kind: 'Service', name, source, uid, version };
  const isNewType = type !== found.type;
  const spec: JsonObject = {
    ...(isNewType ? { type, ...changeOfType(desired) } : {}),
    ...(externalNameOf(desired) === found.externalName
      ? {}
      : { externalName: externalNameOf(desired) ?? null }),
    ...(isNewType || hasPorts(desired, found) ? {} : { ports: portsOf(desired) }),
    ...(found.hasSelector ? { selector: null } : {}),
  };
  return updateOf({ kind: 'Service', name, source, uid, version }, missingMarks(marks, found), spec);
}

export function newSlice(slice: DesiredSlice, source: string, marks: Marks, namespace: string): Create {
  const { name, family, port, endpoints } = slice;
  const object = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name, ...marks },
    addressType: family,
    // No list at all would mean every port to some of its readers.
    ports: port === 0 ? [] : [{ name: '', port, protocol: 'TCP' }],
    endpoints: endpoints.map(endpointOf),
  };
  return { action: 'create', kind: 'EndpointSlice', name, source, object };
}

/** @param found of the same family and port as the slice */
export function changedSlice(
  slice: DesiredSlice,
  source: string,
  marks: Marks,
  found: ObservedSlice,
): ObjectUpdate | undefined {
  const { name, uid, version } = found;
  const isSame =
    slice.endpoints.length === found.endpoints.length &&
    slice.endpoints.every(({ address, zone }, index) => {
      const other = found.endpoints[index];
      return other?.isPlain === true && other.address === address && other.zone === zone;
    });
  const content = isSame ? {} : { endpoints: slice.endpoints.map(endpointOf) };
  return updateOf(
    { kind: 'EndpointSlice', name, source, uid, version },
    missingMarks(marks, found),
    {},
    content,
  );
}

export function removal(
  kind: ObjectKind,
  { name, uid, version, source }: ObservedService | ObservedSlice,
): Delete {
  return { action: 'delete', kind, name, uid, version, source: source ?? '' };
}

function updateOf(
  target: Target & Precondition,
  metadata: Partial<Marks>,
  spec: JsonObject,
  content: JsonObject = {},
): ObjectUpdate | undefined {
  const fields = [metadata, spec, content].flatMap((part) => Object.keys(part));
  if (fields.length === 0) return undefined;
  const patch = {
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(Object.keys(spec).length > 0 ? { spec } : {}),
    ...content,
  };
  return { action: 'update', ...target, fields, patch };
}

function typeOf({ kind }: DesiredService): 'ExternalName' | 'ClusterIP' {
  return kind === 'external-name' ? 'ExternalName' : 'ClusterIP';
}

function externalNameOf(desired: DesiredService): string | undefined {
  return desired.kind === 'external-name' ? desired.externalName : undefined;
}

function specOf(desired: DesiredService): JsonObject {
  if (desired.kind === 'external-name') return { externalName: desired.externalName };
  if (desired.port === 0) return { clusterIP: 'None' };
  // Instances may have addresses of both families; a cluster with one family takes only that one.
  return { ipFamilyPolicy: 'PreferDualStack', ports: portsOf(desired) };
}

/** An ExternalName Service may have none of what a cluster IP comes with. */
function changeOfType(desired: DesiredService): JsonObject {
  if (desired.kind === 'endpoints') return specOf(desired);
  return { clusterIP: null, clusterIPs: null, ipFamilies: null, ipFamilyPolicy: null, ports: null };
}

function portsOf(desired: DesiredService): readonly JsonObject[] | null {
  if (desired.kind === 'external-name' || desired.port === 0) return null;
  return [{ port: desired.port, protocol: 'TCP' }];
}

function hasPorts(desired: DesiredService, { ports }: ObservedService): boolean {
  if (desired.kind === 'external-name' || desired.port === 0) return ports.length === 0;
  const [first] = ports;
  return ports.length === 1 && first?.name === '' && first.protocol === 'TCP' && first.port === desired.port;
}

function endpointOf({ address, zone }: ReadyEndpoint): JsonObject {
  return { addresses: [address], conditions: { ready: true }, ...(zone === undefined ? {} : { zone }) };
}
