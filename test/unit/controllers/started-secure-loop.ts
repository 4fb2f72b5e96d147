/** The loop of a secure Consul on a world in memory, by a clock that goes on when the test says so. */
import assert from 'node:assert/strict';
import { runSecureLoop, type StepOutcome, type WriteStep } from '../../../src/controllers/secure-loop.ts';
import { stepText } from '../../../src/secure/describe-step.ts';
import type { SecureObserved } from '../../../src/secure/observed.ts';
import type { SecureStep } from '../../../src/secure/secure-step.ts';
import { observe, SETTINGS, type World } from '../secure/secure-world.ts';
import { createVirtualClock } from './virtual-clock.ts';

type Hooks = {
  /** May throw. */
  readonly observe?: () => SecureObserved;
  readonly looked?: (step: SecureStep) => void;
  readonly failed?: (error: unknown) => void;
};

export function startSecureLoop(
  world: World,
  perform: (step: WriteStep) => StepOutcome,
  { observe: look = () => observe(world), looked = () => undefined, failed = fail }: Hooks = {},
) {
  const clock = createVirtualClock();
  const begun = clock.now();
  const steps: string[] = [];
  const ending = new AbortController();
  const reporter = {
    looked: (_observed: SecureObserved, step: SecureStep) => looked(step),
    applied: () => undefined,
    refused: () => undefined,
    failed,
    succeeded: () => undefined,
  };
  const running = runSecureLoop(
    {
      clock,
      random: () => 0.5,
      reporter,
      observe: async (memory) => ({ ...look(), now: world.now + clock.now() - begun, memory }),
      perform: async (step) => {
        steps.push(stepText(step));
        return perform(step);
      },
      synced: async () => undefined,
      onChange: () => () => undefined,
    },
    SETTINGS,
    ending.signal,
  );
  return {
    clock,
    steps,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

function fail(error: unknown): never {
  return assert.fail(String(error));
}
