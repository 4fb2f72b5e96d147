/** What Consul has on one node, as instances. */
import { readinessCheckId } from './consul-names.ts';
import type { CheckEntry, NodeServices, ServiceEntry } from './consul-entries.ts';
import { indexed, type Check, type ObservedInstance } from './instance.ts';

export type ObservedNode = {
  readonly name: string;
  readonly address: string;
  /** An agent has it, and removes what it does not know itself. */
  readonly isOfAgent: boolean;
  readonly meta: Readonly<Record<string, string>>;
};

export type Observed = {
  /** Undefined when Consul does not have the node. */
  readonly node: ObservedNode | undefined;
  readonly instances: readonly ObservedInstance[];
};

/**
 * @param checks of the node
 * @returns one instance for each service, in their order
 */
export function observeNode({ node, services }: NodeServices, checks: readonly CheckEntry[]): Observed {
  const byService = Map.groupBy(checks, ({ ServiceID }) => indexed(ServiceID));
  const name = node?.Node ?? '';
  return {
    node: node && { name, address: node.Address, isOfAgent: node.ID !== '', meta: node.Meta },
    instances: services.map((service) =>
      instanceOf(service, name, (byService.get(indexed(service.ID)) ?? []).map(checkOf)),
    ),
  };
}

/** Consul keeps any text in a transaction; Tandem never wrote a status that Consul does not know, so it is repaired. */
export function statusOf({ Status }: CheckEntry): Check['status'] {
  return Status === 'passing' || Status === 'critical' ? Status : 'warning';
}

function checkOf(entry: CheckEntry): Check {
  return { id: entry.CheckID, name: entry.Name, status: statusOf(entry), output: entry.Output };
}

function instanceOf(entry: ServiceEntry, node: string, checks: readonly Check[]): ObservedInstance {
  const isReadiness = ({ id }: Check): boolean => indexed(id) === indexed(readinessCheckId(entry.ID));
  return {
    id: entry.ID,
    name: entry.Service,
    node,
    address: entry.Address,
    port: entry.Port,
    tags: entry.Tags,
    meta: entry.Meta,
    weight: entry.Weights.Passing,
    warningWeight: entry.Weights.Warning,
    kind: entry.Kind,
    check: checks.find(isReadiness),
    otherChecks: checks.filter((check) => !isReadiness(check)),
  };
}
