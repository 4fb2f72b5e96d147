/** An object of a list or a watch: its key, its version, and what the consumer wants to keep of it. */
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';

export type ResourceEntry<T> = {
  /** `namespace/name`, or `name` when the kind has no namespaces. */
  readonly key: string;
  readonly version: string;
  /** Undefined when the consumer does not want the object. */
  readonly value: T | undefined;
};

/** Trims an object at once, so that the whole of it can be forgotten. Undefined: as if the object were not there. */
export type ReadObject<T> = (object: unknown) => T | undefined;

/** @throws TandemError TANDEM_KUBERNETES_GARBLED when it has no name or version */
export function resourceEntry<T>(object: unknown, read: ReadObject<T>): ResourceEntry<T> {
  const metadata = property(object, 'metadata');
  const name = asString(property(metadata, 'name'));
  const namespace = asString(property(metadata, 'namespace'));
  const version = asString(property(metadata, 'resourceVersion'));
  if (!name || !version)
    throw new TandemError('TANDEM_KUBERNETES_GARBLED', 'an object of the API server has no name or version');
  return { key: namespace ? `${namespace}/${name}` : name, version, value: read(object) };
}

/**
 * Negative when `a` is older. Undefined when the order is not known: versions are decimal numbers in every API server that
 * keeps its objects in etcd, but that is a promise only since Kubernetes 1.35 (KEP-5504).
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (!/^[0-9]+$/.test(a) || !/^[0-9]+$/.test(b)) return a === b ? 0 : undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}
