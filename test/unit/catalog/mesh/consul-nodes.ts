/** The catalog of Consul as far as the registrar uses it, in the form in which the real one answers (1.20.6). */
import {
  observeSyntheticNode,
  type ObservedSyntheticNode,
} from '../../../../src/catalog/mesh/observed-registration.ts';
import { checkEntries, nodeServices } from '../../../../src/model/consul-entries.ts';
import { proxyDefinition, taggedAddresses } from '../../../../src/model/definition.ts';
import type { PodRegistration, SyntheticNode } from '../../../../src/catalog/mesh/pod-registration.ts';
import type { AddressHolder } from '../../../../src/controllers/address-book.ts';
import { indexed, type Check } from '../../../../src/model/instance.ts';

type Raw = Readonly<Record<string, unknown>>;
type Node = {
  address: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly services: Map<string, Raw>;
  readonly checks: Map<string, Raw>;
};

export type ConsulNodes = {
  readonly nodes: () => readonly string[];
  readonly read: (node: string) => ObservedSyntheticNode;
  readonly writeNode: (node: SyntheticNode, owner: string) => void;
  readonly register: (registration: PodRegistration, owner: string) => void;
  readonly setCheck: (node: string, service: string, check: Check) => void;
  readonly deregister: (node: string, id: string) => void;
  readonly removeNode: (node: string) => void;
  /** Who has a virtual address, of a service. */
  readonly holders: (service: string) => readonly AddressHolder[];
  /** Id and status of every instance, in order. */
  readonly instances: () => readonly string[];
  /** Everything, to compare one moment with another. */
  readonly dump: () => string;
};

export function createConsulNodes(): ConsulNodes {
  const all = new Map<string, Node>();
  const node = (name: string): Node => {
    const found = all.get(name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  };
  const setCheck = (name: string, service: string, { id, status, output, ...check }: Check): void => {
    if (!node(name).services.has(indexed(service))) throw new Error(`no service ${service}`);
    node(name).checks.set(indexed(id), {
      Node: name,
      CheckID: id,
      Name: check.name,
      Status: status,
      Output: output,
      ServiceID: service,
    });
  };
  const read = (name: string): ObservedSyntheticNode => {
    const found = all.get(name);
    return observeSyntheticNode(
      nodeServices({
        Node: found === undefined ? null : { Node: name, Address: found.address, Meta: found.meta },
        Services: [...(found?.services.values() ?? [])],
      }),
      checkEntries([...(found?.checks.values() ?? [])]),
    );
  };
  const writeNode = ({ name, address }: SyntheticNode, owner: string): void => {
    const meta = { 'synthetic-node': 'true', 'external-source': 'kubernetes', 'tandem-owner': owner };
    const { services, checks } = all.get(name) ?? { services: new Map(), checks: new Map() };
    all.set(name, { address, meta, services, checks });
  };
  return {
    nodes: () => [...all.keys()],
    read,
    writeNode,
    register: (registration, owner) => {
      const { id, name, address, port, tags, meta, proxy, virtual, check } = registration;
      if (!all.has(registration.node.name)) writeNode(registration.node, owner);
      node(registration.node.name).services.set(indexed(id), {
        ID: id,
        Service: name,
        Kind: proxy === undefined ? '' : 'connect-proxy',
        Address: address,
        Port: port,
        Tags: tags.length === 0 ? null : tags,
        Meta: meta,
        Weights: { Passing: 1, Warning: 1 },
        ...(proxy === undefined
          ? { Proxy: { Mode: '', MeshGateway: {}, Expose: {} } }
          : {
              // Which Consul adds by itself.
              TaggedAddresses: {
                'consul-virtual': { Address: '240.0.0.1', Port: port },
                ...taggedAddresses(virtual).TaggedAddresses,
              },
              Proxy: filledIn(proxyDefinition(proxy)),
            }),
      });
      if (check !== undefined) setCheck(registration.node.name, id, check);
    },
    setCheck,
    deregister: (name, id) => {
      const found = all.get(name);
      found?.services.delete(indexed(id));
      for (const [check, raw] of found?.checks ?? [])
        if (indexed(String(raw['ServiceID'])) === indexed(id)) found?.checks.delete(check);
    },
    removeNode: (name) => void all.delete(name),
    holders: (service) =>
      [...all.keys()]
        .flatMap((name) => read(name).instances.map((each) => ({ ...each, node: name })))
        .filter(({ proxy }) => proxy.destinationName === service)
        .flatMap(({ node: on, id, meta, virtual }) =>
          virtual === undefined
            ? []
            : [{ address: virtual.address, node: on, id, owner: meta['tandem-owner'], uid: meta['pod-uid'] }],
        ),
    instances: () =>
      [...all]
        .flatMap(([name]) =>
          read(name).instances.map(({ id, check }) => `${name} ${id} ${check?.status ?? 'no check'}`),
        )
        .toSorted(),
    dump: () =>
      JSON.stringify(
        [...all].map(([name, each]) => [name, each.address, [...each.services], [...each.checks]]),
      ),
  };
}

function filledIn(proxy: Raw): Raw {
  const upstreams = (proxy['Upstreams'] as readonly Raw[]).map((each) => ({
    Datacenter: '',
    MeshGateway: {},
    ...each,
  }));
  return { Mode: '', MeshGateway: {}, Expose: {}, ...proxy, Upstreams: upstreams };
}
