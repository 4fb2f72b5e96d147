/** What the API server does with Services and EndpointSlices of one namespace, as far as the plan can see it. */
import type { ObjectChange, ObjectKind } from '../../src/catalog/to-kubernetes/object-changes.ts';
import {
  readObservedService,
  readObservedSlice,
  type ObservedService,
  type ObservedSlice,
} from '../../src/catalog/to-kubernetes/observed-objects.ts';

type Json = { [key: string]: unknown };

export type NamespaceModel = {
  readonly services: ReadonlyMap<string, ObservedService>;
  readonly slices: ReadonlyMap<string, ObservedSlice>;
  /** The status that the API server answers. */
  readonly apply: (change: ObjectChange) => number;
  /** Somebody else writes: a whole object, or undefined to remove it. */
  readonly interfere: (kind: ObjectKind, name: string, object: Json | undefined) => void;
  readonly raw: (kind: ObjectKind, name: string) => Json | undefined;
};

/** @param onChange called with the id of every object that changed */
export function createNamespace(onChange: (id: string) => void = () => undefined): NamespaceModel {
  const raw = new Map<string, Json>();
  const services = new Map<string, ObservedService>();
  const slices = new Map<string, ObservedSlice>();
  let version = 1;

  const store = (kind: ObjectKind, name: string, object: Json | undefined): void => {
    const id = `${kind}/${name}`;
    if (object === undefined) raw.delete(id);
    else {
      version += 1;
      const before = raw.get(id)?.['metadata'] as Json | undefined;
      const metadata = { ...(object['metadata'] as Json), name, resourceVersion: String(version) };
      const uid = before?.['uid'] ?? `uid-${version}`;
      raw.set(id, withDefaults(kind, { ...object, metadata: { ...metadata, uid } }));
    }
    const read = raw.get(id);
    const service = kind === 'Service' && read ? readObservedService(read) : undefined;
    const slice = kind === 'EndpointSlice' && read ? readObservedSlice(read) : undefined;
    if (kind === 'Service') void (service ? services.set(name, service) : services.delete(name));
    else void (slice ? slices.set(name, slice) : slices.delete(name));
    onChange(id);
  };

  return {
    services,
    slices,
    apply: (change) => {
      const { kind, name } = change;
      const present = raw.get(`${kind}/${name}`);
      if (change.action === 'create') {
        if (present !== undefined) return 409;
        if (isInvalid(kind, change.object)) return 422;
        store(kind, name, structuredClone(change.object));
        return 201;
      }
      if (present === undefined) return 404;
      const metadata = present['metadata'] as Json;
      if (metadata['uid'] !== change.uid || metadata['resourceVersion'] !== change.version) return 409;
      if (change.action === 'delete') store(kind, name, undefined);
      else {
        const patched = merge(present, change.patch);
        if (isInvalid(kind, patched)) return 422;
        store(kind, name, patched);
      }
      return 200;
    },
    interfere: store,
    raw: (kind, name) => raw.get(`${kind}/${name}`),
  };
}

/** Of a slice: 1000 endpoints, of one family (discovery.k8s.io/v1); of a Service: ports unless headless. */
function isInvalid(kind: ObjectKind, object: Json): boolean {
  if (kind === 'EndpointSlice') {
    const family = object['addressType'];
    const endpoints = object['endpoints'] as { addresses: string[] }[];
    return (
      endpoints.length > 1000 ||
      endpoints.some(({ addresses }) => addresses.some((each) => each.includes(':') !== (family === 'IPv6')))
    );
  }
  const spec = object['spec'] as Json;
  const ports = (spec['ports'] as unknown[] | undefined) ?? [];
  if (spec['type'] === 'ExternalName') return typeof spec['externalName'] !== 'string';
  return spec['clusterIP'] !== 'None' && ports.length === 0;
}

function withDefaults(kind: ObjectKind, object: Json): Json {
  if (kind !== 'Service') return object;
  const spec = { ...(object['spec'] as Json) };
  const ports = (spec['ports'] as Json[] | undefined)?.map((port) => ({
    protocol: 'TCP',
    targetPort: port['port'],
    ...port,
  }));
  if (ports !== undefined) spec['ports'] = ports;
  spec['type'] ??= 'ClusterIP';
  if (spec['type'] !== 'ExternalName') spec['clusterIP'] ??= '10.96.0.1';
  return { ...object, spec: { ...spec, sessionAffinity: 'None' } };
}

/** RFC 7386. */
function merge(target: unknown, patch: Json): Json {
  const result: Json = typeof target === 'object' && target !== null ? { ...(target as Json) } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (typeof value === 'object' && !Array.isArray(value))
      result[key] = merge(result[key], value as Json);
    else result[key] = value;
  }
  return result;
}
