/** The catalog as the sync loop needs it: one node, read as a whole, written by transactions, and watched. */
import type { CheckEntry, NodeServices } from '../model/consul-entries.ts';
import { observeNode } from '../model/observed-node.ts';
import type { Catalog, CatalogRead } from '../controllers/sync-ports.ts';
import type { WriteOutcome } from '../controllers/apply-changes.ts';
import { TandemError } from '../support/errors.ts';
import type { Answer } from './answer.ts';
import type { ConsulClient } from './client.ts';
import { readNodeChecks, readNodeServices, type ReadOptions } from './read.ts';
import { transaction, type TransactionOutcome } from './transaction.ts';
import { untilStopped } from './until-stopped.ts';
import { watch } from './watch.ts';

// Nobody has such an id, so a query that waits for a change answers with its index and an empty list.
const NOTHING = { services: 'ID == "-"', checks: 'CheckID == "-"' };
// Drift is mended within 2 s, also when the watch has just failed.
const LONGEST_PAUSE = 1000;

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
      await Promise.all([
        follow(
          (options) => readNodeServices(client, node, { ...options, filter: NOTHING.services }),
          onChange,
          signal,
          random,
          services,
        ),
        follow(
          (options) => readNodeChecks(client, node, { ...options, filter: NOTHING.checks }),
          onChange,
          signal,
          random,
          checks,
        ),
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

/**
 * Never rejects: whatever ends the watch, another one begins, and its first answer tells what was missed.
 *
 * @param from an index that is known already; 0 is none
 */
export async function follow(
  ask: (options: ReadOptions) => Promise<Answer<unknown>>,
  onChange: (index: number) => void,
  signal: AbortSignal,
  random: () => number,
  from = 0,
): Promise<void> {
  // After a failure nothing is known, and the first answer is a full one.
  let next = from;
  // The loop's own reads and writes meet the same trouble, and report it.
  const onFailure = (): void => undefined;
  await untilStopped({ signal, random, onFailure, longestPause: LONGEST_PAUSE }, async (succeeded) => {
    const known = next;
    next = 0;
    for await (const { index } of watch(ask, { signal, from: known })) {
      succeeded();
      onChange(index);
    }
  });
}
