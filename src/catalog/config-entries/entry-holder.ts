/** Who owns an entry in Consul, by its meta: config entries allow any characters there. */
import { EXTERNAL_SOURCE, EXTERNAL_SOURCE_META, OWNER_META } from '../../model/consul-names.ts';
import type { JsonObject } from '../../support/json.ts';

/** As consul-k8s writes it, so that the entry can be taken over in both ways. */
const DATACENTER_META = 'consul.hashicorp.com/source-datacenter';
/** `<namespace>/<name>` of the object that the entry was made from. */
export const OBJECT_META = 'tandem-object';
/** `creationTimestamp` of that object: one that is older than its CRD was not deleted, but went with an earlier CRD. */
export const CREATED_META = 'tandem-object-created';

export type Meta = Readonly<Record<string, string>>;

/** An entry as Consul has it. */
export type ObservedEntry = {
  readonly entryKind: string;
  readonly name: string;
  /** `ModifyIndex`, with which a write names the version that it was planned on. */
  readonly index: number;
  /**
   * Tells this entry from any other: the trust domain of Consul and the `CreateIndex`. An edit keeps it; an entry that is deleted and
   * made anew has another. Undefined when Consul does not tell its trust domain.
   */
  readonly id: string | undefined;
  readonly meta: Meta;
  readonly entry: JsonObject;
};

export type EntryHolder =
  | { readonly kind: 'ours' }
  | { readonly kind: 'other-owner'; readonly owner: string; readonly object: string }
  | { readonly kind: 'consul-k8s'; readonly datacenter: string; readonly isOwnDatacenter: boolean }
  /** Made by hand, by a program, or in the user interface. */
  | { readonly kind: 'unmanaged'; readonly source: string };

export function entryHolder(
  meta: Meta,
  { owner, datacenter }: { owner: string; datacenter: string },
): EntryHolder {
  const tandem = meta[OWNER_META];
  if (tandem === owner) return { kind: 'ours' };
  if (tandem !== undefined)
    return { kind: 'other-owner', owner: tandem, object: meta[OBJECT_META] ?? 'unknown' };
  const source = meta[EXTERNAL_SOURCE_META] ?? '';
  const from = meta[DATACENTER_META];
  if (source === EXTERNAL_SOURCE && from !== undefined)
    return { kind: 'consul-k8s', datacenter: from, isOwnDatacenter: from === datacenter };
  return { kind: 'unmanaged', source };
}

/** The meta of every entry that is ours. */
export function ownMeta(
  { owner, datacenter }: { owner: string; datacenter: string },
  object: { readonly namespace: string; readonly name: string; readonly creationTimestamp: string },
): Meta {
  return {
    [EXTERNAL_SOURCE_META]: EXTERNAL_SOURCE,
    [DATACENTER_META]: datacenter,
    [OWNER_META]: owner,
    [OBJECT_META]: objectPlace(object),
    // A manifest has none.
    ...(object.creationTimestamp === '' ? {} : { [CREATED_META]: object.creationTimestamp }),
  };
}

/** `<namespace>/<name>`; the name alone of an object without a namespace. */
export function objectPlace({
  namespace,
  name,
}: {
  readonly namespace: string;
  readonly name: string;
}): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** Any other key is a difference, too: somebody set what no object says. Nobody knows when a manifest was created. */
export function isSameMeta(desired: Meta, observed: Meta): boolean {
  const isCompared = (key: string): boolean => key !== CREATED_META || CREATED_META in desired;
  const keys = new Set([...Object.keys(desired), ...Object.keys(observed)].filter(isCompared));
  return [...keys].every((key) => desired[key] === observed[key]);
}
