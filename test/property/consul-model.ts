/** what Consul's catalog does with a transaction, and what it answers then, as far as plans are concerned. */
import type { Operation } from '../../src/model/operations.ts';

type Raw = Readonly<Record<string, unknown>>;

export type Catalog = {
  /** All operations or none, as `PUT /v1/txn`. @returns the errors of an answer 409; empty for 200 */
  readonly transact: (operations: readonly Operation[]) => { index: number; what: string }[];
  /** `GET /v1/catalog/node-services/<node>` */
  readonly nodeServices: () => unknown;
  /** `GET /v1/health/node/<node>` */
  readonly nodeChecks: () => unknown;
  readonly bodies: number[];
  /** Somebody deregisters the node, and with it all that it has. */
  readonly loseNode: () => void;
};

/** A catalog of one node that refuses every service with one of the tags. */
export function createCatalog(refusedTags: ReadonlySet<string> = new Set()): Catalog {
  let node: Raw | null = null;
  let services = new Map<string, Raw>();
  let checks = new Map<string, Raw>();
  const bodies: number[] = [];

  function apply(operation: Operation): string | undefined {
    if ('Node' in operation) {
      node = operation.Node.Node;
      return undefined;
    }
    if (node === null) return 'Missing node registration';
    if ('Service' in operation) {
      const { Verb, Service } = operation.Service;
      const key = Service.ID.toLowerCase();
      if (Verb === 'set') {
        if (operation.Service.Service.Tags.some((tag) => refusedTags.has(tag))) return 'Invalid tag';
        services.set(key, Service);
        return undefined;
      }
      if (Service.Service === '') return 'Must provide ServiceName';
      services.delete(key);
      for (const [id, check] of checks)
        if (String(check['ServiceID']).toLowerCase() === key) checks.delete(id);
      return undefined;
    }
    const { Verb, Check } = operation.Check;
    if (Verb === 'delete') checks.delete(Check.CheckID.toLowerCase());
    else if (!services.has(operation.Check.Check.ServiceID.toLowerCase()))
      return 'Missing service registration';
    else checks.set(Check.CheckID.toLowerCase(), Check);
    return undefined;
  }

  return {
    bodies,
    loseNode: () => {
      node = null;
      services.clear();
      checks.clear();
    },
    transact: (operations) => {
      const before = { node, services: new Map(services), checks: new Map(checks) };
      // Through JSON, as on the wire.
      const sent = JSON.parse(JSON.stringify(operations)) as Operation[];
      bodies.push(sent.length);
      const errors = sent.flatMap((operation, index) => {
        const what = apply(operation);
        return what === undefined ? [] : [{ index, what }];
      });
      if (errors.length > 0) ({ node, services, checks } = before);
      return errors;
    },
    nodeServices: () => ({ Node: node, Services: services.size === 0 ? null : [...services.values()] }),
    nodeChecks: () => [...checks.values()],
  };
}
