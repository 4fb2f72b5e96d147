/** Reports the deletion of the tokens of pods that are gone. */
import type { TokenReporter } from '../controllers/token-loop.ts';
import type { StatusOf } from '../status-page/status.ts';
import {
  createControllerReporter,
  type ControllerReporterOptions,
  type ControllerState,
} from './controller-reporter.ts';
import { controllerFacts, troubleOf } from './controller-status.ts';

/** Tokens have no object of their own that a refusal could be about. */
const TOKENS = 'tokens';

export function createTokenReporter(
  options: Omit<ControllerReporterOptions, 'metrics' | 'warn'>,
): TokenReporter & { readonly state: () => ControllerState } {
  const { log, changed } = options;
  const common = createControllerReporter<'delete'>(
    {
      failed: 'the ACL tokens of pods could not be read; this is retried',
      failedLevel: 'warn',
      refused: 'ACL tokens of pods that are gone stay, because Consul refuses to list or delete them',
      describe: () => ({ source: TOKENS, labels: {}, fields: {} }),
    },
    { ...options, metrics: undefined, warn: () => undefined },
  );
  const forgetRefusal = (): void => common.applied('delete');
  return {
    deleted: (count) => log('info', 'ACL tokens of pods that are gone were deleted', { count }),
    refused: (reason) => {
      common.refused('delete', reason);
      changed();
    },
    failed: (error, retryMilliseconds) => {
      forgetRefusal();
      common.failed(error, retryMilliseconds);
    },
    succeeded: () => {
      forgetRefusal();
      common.succeeded();
    },
    state: common.state,
  };
}

/** It has a row while Consul refuses to list or to delete them. */
export function tokensStatus(state: ControllerState): StatusOf<'tokens'> {
  return {
    controller: 'tokens',
    ...controllerFacts(state),
    rows: state.refused.has(TOKENS)
      ? [{ source: TOKENS, reason: 'refused', problems: [], ...troubleOf([state], TOKENS) }]
      : [],
  };
}
