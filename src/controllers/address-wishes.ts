/** Which pods want which cluster address, and as which Consul service: an address belongs to one of them at most. */

/** `service` is the name of the Kubernetes Service that has the address, `name` that of the pod in Consul. */
export type AddressWish = { readonly address: string; readonly service: string; readonly name: string };

export type AddressWishes = {
  /**
   * The Consul service that may have the address: the only one that wants it, else the one that has the name of the Service;
   * undefined when that is not clear.
   */
  readonly holderOf: (address: string) => string | undefined;
  /**
   * @param source of the pod
   * @returns sources of pods whose right to their address has changed
   */
  readonly set: (source: string, wish: AddressWish | undefined) => readonly string[];
};

/** Consul service → its pods; `named` when the Kubernetes Service has its name. */
type Wanting = {
  readonly sources: Set<string>;
  readonly names: Map<string, { readonly pods: number; readonly named: number }>;
};

export function createAddressWishes(): AddressWishes {
  const bySource = new Map<string, AddressWish>();
  const byAddress = new Map<string, Wanting>();

  const holderOf = (address: string): string | undefined => {
    const names = [...(byAddress.get(address)?.names ?? [])];
    return only(names) ?? only(names.filter(([, { named }]) => named > 0));
  };
  const count = (source: string, { address, service, name }: AddressWish, by: 1 | -1): readonly string[] => {
    const before = holderOf(address);
    const { sources, names } = byAddress.get(address) ?? { sources: new Set(), names: new Map() };
    byAddress.set(address, { sources, names });
    if (by === 1) sources.add(source);
    else sources.delete(source);
    const { pods, named } = names.get(name) ?? { pods: 0, named: 0 };
    names.set(name, { pods: pods + by, named: service === name ? named + by : named });
    if (pods + by === 0) names.delete(name);
    if (names.size === 0) byAddress.delete(address);
    return holderOf(address) === before ? [] : [...sources];
  };

  return {
    holderOf,
    set: (source, wish) => {
      const before = bySource.get(source);
      if (JSON.stringify(before) === JSON.stringify(wish)) return [];
      if (wish === undefined) bySource.delete(source);
      else bySource.set(source, wish);
      return [
        ...(before === undefined ? [] : count(source, before, -1)),
        ...(wish === undefined ? [] : count(source, wish, 1)),
      ];
    },
  };
}

function only(entries: readonly (readonly [name: string, counted: unknown])[]): string | undefined {
  return entries.length === 1 ? entries[0]?.[0] : undefined;
}
