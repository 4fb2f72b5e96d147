/** Tells how the tokens of pods that are gone are deleted: to the log, and to `/status`. */
import type { TokenReporter } from '../controllers/token-loop.ts';
import type { TokensStatus } from '../status-page/status.ts';
import type { Log } from '../telemetry/logger.ts';
import { isoTime } from './pass-outcome.ts';

export type TokenReporterOptions = {
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The state is another one. */
  readonly changed: () => void;
};

export function createTokenReporter({
  log,
  now,
  changed,
}: TokenReporterOptions): TokenReporter & { readonly state: () => TokensStatus } {
  let trouble: TokensStatus['trouble'];
  const tell = (kind: 'refused' | 'failed', reason: string): void => {
    trouble = { kind, reason, since: trouble?.kind === kind ? trouble.since : isoTime(now()) };
    changed();
  };
  return {
    deleted: (count) => log('info', 'ACL tokens of pods that are gone were deleted', { count }),
    refused: (reason) => {
      log('warn', 'ACL tokens of pods that are gone stay, because Consul refuses to list or delete them', {
        reason,
      });
      tell('refused', reason);
    },
    failed: (error, retryMilliseconds) => {
      const reason = error instanceof Error ? error.message : String(error);
      log('warn', 'ACL tokens of pods could not be read; this is tried again', {
        error: reason,
        retryMilliseconds,
      });
      tell('failed', reason);
    },
    succeeded: () => {
      if (trouble === undefined) return;
      trouble = undefined;
      changed();
    },
    state: () => ({ trouble }),
  };
}
