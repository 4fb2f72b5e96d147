/** The operations of Consul's transactions that Tandem sends. */
import type { CheckEntry, NodeEntry } from './consul-entries.ts';
import { EXTERNAL_SOURCE, EXTERNAL_SOURCE_META } from './consul-names.ts';
import { TandemError } from '../support/errors.ts';
import { quote } from '../support/text.ts';
import { catalogDefinition, type CatalogDefinition } from './definition.ts';
import type { Check, Instance, ObservedInstance } from './instance.ts';
import type { ObservedNode } from './observed-node.ts';

/** One element of the body, in Consul's spelling (Consul: "Transactions HTTP Endpoint"). */
export type Operation =
  | {
      readonly Node: { readonly Verb: 'set'; readonly Node: Omit<NodeEntry, 'ID'> };
    }
  | {
      readonly Service: {
        readonly Verb: 'set';
        readonly Node: string;
        readonly Service: CatalogDefinition;
      };
    }
  | {
      readonly Service: {
        readonly Verb: 'delete';
        readonly Node: string;
        readonly Service: { readonly ID: string; readonly Service: string };
      };
    }
  | {
      readonly Check: {
        readonly Verb: 'set';
        readonly Check: Omit<CheckEntry, 'CreateIndex' | 'ModifyIndex'>;
      };
    }
  | {
      readonly Check: {
        readonly Verb: 'delete';
        readonly Check: { readonly Node: string; readonly CheckID: string };
      };
    };

/** Nobody connects to the node itself: its instances have addresses of their own. */
const NODE_ADDRESS = '127.0.0.1';

/** True when Consul has the node as `setNode` would write it; other keys of its meta stay. */
export function isNodeRegistered(observed: ObservedNode | undefined): boolean {
  return observed?.address === NODE_ADDRESS && observed.meta[EXTERNAL_SOURCE_META] === EXTERNAL_SOURCE;
}

/**
 * Writing the node would take its id and its address from an agent, and its address from whoever made it by hand.
 *
 * @throws TandemError TANDEM_CONSUL_REFUSED
 */
export function requireOwnNode(node: string, observed: ObservedNode | undefined): void {
  if (observed === undefined) return;
  const { address, isOfAgent, meta } = observed;
  const isForeign = address !== NODE_ADDRESS && meta[EXTERNAL_SOURCE_META] !== EXTERNAL_SOURCE;
  if (!isOfAgent && !isForeign) return;
  const whose = isOfAgent
    ? 'belongs to an agent'
    : `was made by somebody else, with the address ${quote(address)}`;
  throw new TandemError(
    'TANDEM_CONSUL_REFUSED',
    `the node ${quote(node)} in Consul ${whose}, so nothing is registered on it; set --consul-node-name to a name that no node has`,
  );
}

export function setNode(node: string): Operation {
  return {
    Node: {
      Verb: 'set',
      Node: { Node: node, Address: NODE_ADDRESS, Meta: { [EXTERNAL_SOURCE_META]: EXTERNAL_SOURCE } },
    },
  };
}

/** The service, and its check. */
export function setInstance(instance: Instance, node: string): readonly Operation[] {
  const service: Operation = {
    Service: { Verb: 'set', Node: node, Service: catalogDefinition(instance) },
  };
  return instance.check === undefined ? [service] : [service, setCheck(instance, instance.check, node)];
}

/** Consul knows the name from the id, but checks the right to write by the name that is sent. */
export function setCheck(
  service: Pick<Instance, 'id' | 'name'>,
  { id, name, status, output }: Check,
  node: string,
): Operation {
  return {
    Check: {
      Verb: 'set',
      Check: {
        Node: node,
        CheckID: id,
        Name: name,
        Status: status,
        Output: output,
        ServiceID: service.id,
        ServiceName: service.name,
      },
    },
  };
}

/** Consul requires the name although the id decides; the checks of the service are removed with it. */
export function deleteService({ id, name, node }: Pick<ObservedInstance, 'id' | 'name' | 'node'>): Operation {
  return { Service: { Verb: 'delete', Node: node, Service: { ID: id, Service: name } } };
}

/** Setting a service leaves its checks alone, so a check that is no longer wanted is deleted separately. */
export function deleteCheck({ id }: Check, node: string): Operation {
  return { Check: { Verb: 'delete', Check: { Node: node, CheckID: id } } };
}
