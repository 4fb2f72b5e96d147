/** The catalog as the sync loop needs it: one node, read as a whole, written by transactions, and watched. */
import type { CheckEntry, NodeServices } from '../model/consul-entries.ts';
import { observeNode } from '../model/observed-node.ts';
import type { Catalog, CatalogRead } from '../controllers/sync-ports.ts';
import type { WriteOutcome } from '../controllers/apply-changes.ts';
import { TandemError } from '../support/errors.ts';
import type { Answer } from './answer.ts';
import type { ConsulClient } from './client.ts';
import { followIndex } from './follow.ts';
import { readNodeChecks, readNodeServices, type ReadOptions } from './read.ts';
import { transaction, type TransactionOutcome } from './transaction.ts';

// Nobody has such an id, so a query that waits for a change answers with its index and an empty list.
const NOTHING = { services: 'ID == "-"', checks: 'CheckID == "-"' };

export function syncCatalog(client: ConsulClient, random: () => number = Math.random): Catalog {
  return {
    read: async (node, { consistent, signal }) => {
      const options: ReadOptions = { signal, ...(consistent ? { consistency: 'consistent' } : {}) };
      const [services, checks] = await Promise.all([
        readNodeServices(client, node, options),
        readNodeChecks(client, node, options),
      ]);
      return wholeRead(node, services, checks);
    },
    write: async (operations, signal) => outcomeOf(await transaction(client, operations, signal)),
    watch: async (node, [services = 0, checks = 0], onChange, signal) => {
      const readServices = (options: ReadOptions) =>
        readNodeServices(client, node, { ...options, filter: NOTHING.services });
      const readChecks = (options: ReadOptions) =>
        readNodeChecks(client, node, { ...options, filter: NOTHING.checks });
      await Promise.all([
        followIndex(readServices, onChange, { signal, random, from: services }),
        followIndex(readChecks, onChange, { signal, random, from: checks }),
      ]);
    },
  };
}

/** @throws TandemError TANDEM_CONSUL_FORBIDDEN when it is not the whole */
function wholeRead(
  node: string,
  services: Answer<NodeServices>,
  checks: Answer<readonly CheckEntry[]>,
): CatalogRead {
  if (services.filteredByAcls || checks.filteredByAcls) {
    throw new TandemError(
      'TANDEM_CONSUL_FORBIDDEN',
      `the token does not show all of node ${JSON.stringify(node)}, so nothing is changed; it needs node ${JSON.stringify(node)} { policy = "write" } and service_prefix "" { policy = "read" }`,
    );
  }
  return { ...observeNode(services.value, checks.value), indexes: [services.index, checks.index] };
}

function outcomeOf(outcome: TransactionOutcome): WriteOutcome {
  switch (outcome.kind) {
    case 'applied':
      return outcome;
    case 'rolled-back': {
      const errors = outcome.errors.map(({ index, what }) => ({ OpIndex: index, What: what }));
      return { kind: 'rolled-back', errors, reason: errors[0]?.What ?? 'the transaction was rolled back' };
    }
    case 'too-large':
      return {
        kind: 'too-large',
        limit: outcome.max === undefined ? {} : { [outcome.limit]: outcome.max },
      };
  }
}
