/** The log lines of an election. */
import type { ElectionEvent } from '../kubernetes/election.ts';
import type { Log } from '../telemetry/logger.ts';

/** @param lease `<namespace>/<name>` */
export function logElection(event: ElectionEvent, lease: string, log: Log): void {
  switch (event.kind) {
    case 'started':
      return log('info', 'leading', { lease });
    case 'ended':
      return log('info', 'no longer leading', { reason: event.reason });
    case 'lost':
      return log('info', 'another replica was first to write the Lease');
    case 'failed':
      return log('warn', 'the Lease could not be read or written', { error: event.error.message });
  }
}
