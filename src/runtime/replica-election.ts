/** The election of `tandem sync` and `tandem secure`: one of the replicas leads, by a Lease. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemClock, systemRuntime } from '../kubernetes/system-clock.ts';
import { elect, LEASE_TIMES } from '../kubernetes/election.ts';
import type { Term } from '../kubernetes/leader-term.ts';
import { sleep } from '../support/clock.ts';
import type { Log } from '../telemetry/logger.ts';
import { logElection } from './log-election.ts';

export type ReplicaElection = {
  readonly client: ApiClient;
  /** Of the Lease. */
  readonly namespace: string;
  /** Its name. */
  readonly lease: string;
  readonly log: Log;
  /** Milliseconds that a leader keeps leading after the signal. */
  readonly shutdownDelay: number;
  /** Runs while this replica leads. */
  readonly lead: (term: Term) => Promise<void>;
};

/**
 * Resolves when the signal has ended it. A node drain evicts the leader together with pods of the mesh: the next leader needs
 * some seconds until it has read everything, and could not tell Consul during that time that they end.
 */
export async function runElected(
  { client, namespace, lease, log, shutdownDelay, lead }: ReplicaElection,
  signal: AbortSignal,
): Promise<void> {
  const election = elect({
    client,
    namespace,
    name: lease,
    // A container that is restarted has the same host name.
    identity: `${hostname()}_${randomUUID()}`,
    ...systemRuntime,
    times: LEASE_TIMES,
    lead,
    onEvent: (event) => logElection(event, `${namespace}/${lease}`, log),
  });
  const ended = new AbortController();
  const stop = async (): Promise<void> => {
    if (election.isLeader()) {
      log('info', 'stopping', { delaySeconds: shutdownDelay / 1000 });
      await sleep(systemClock, shutdownDelay, ended.signal);
    }
    void election.stop();
  };
  signal.addEventListener('abort', () => void stop());
  if (signal.aborted) void stop();
  try {
    await election.done;
  } finally {
    ended.abort();
  }
}
