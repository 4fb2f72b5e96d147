/** The catalog as the sync loop needs it: one node that is read as a whole, written by transactions, and watched. */
import { observeNode } from '../model/observed-node.ts';
import type { Catalog } from '../controllers/sync-ports.ts';
import type { WriteOutcome } from '../controllers/apply-changes.ts';
import type { ConsulCalls } from './client.ts';
import { followIndex } from './follow.ts';
import { readNodeChecks, readNodeServices, readWholeNode, type ReadOptions } from './read.ts';
import { transaction, type TransactionOutcome } from './transaction.ts';

// Nobody has such an id, so a query that waits for a change answers with its index and an empty list.
const NOTHING = { services: 'ID == "-"', checks: 'CheckID == "-"' };

export function syncCatalog(client: ConsulCalls, random: () => number = Math.random): Catalog {
  return {
    read: async (node, { consistent, signal }) => {
      const options: ReadOptions = { signal, ...(consistent ? { consistency: 'consistent' } : {}) };
      const rules = `node ${JSON.stringify(node)} { policy = "write" } and service_prefix "" { policy = "read" }`;
      const [services, checks] = await readWholeNode(client, node, rules, options);
      return { ...observeNode(services.value, checks.value), indexes: [services.index, checks.index] };
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

function outcomeOf(outcome: TransactionOutcome): WriteOutcome {
  switch (outcome.kind) {
    case 'applied':
      return outcome;
    case 'rolled-back':
      return { ...outcome, reason: outcome.errors[0]?.what ?? 'the transaction was rolled back' };
    case 'too-large':
      return {
        kind: 'too-large',
        limit: outcome.max === undefined ? {} : { [outcome.limit]: outcome.max },
      };
  }
}
