/** Removals that are many wait until a second look at both sides says the same. */
import {
  confirmDeletions,
  guardDeletions,
  type GuardDecision,
  type Removals,
} from '../catalog/deletion-guard.ts';
import type { Clock } from './loop-clock.ts';

export type HoldReporter = {
  /** Removals wait for a second look. */
  readonly guarded: (decision: Extract<GuardDecision, { kind: 'confirm' }>) => void;
  /** Nothing waits any more. */
  readonly released: () => void;
};

export type RemovalHold = {
  /** When the second look is due, by `elapsed` of the clock; undefined while nothing waits. */
  readonly due: () => number | undefined;
  /** Whether these removals may be carried out now. `isSecondLook`: both sides were read again since the first. */
  readonly mayRemove: (removals: Removals, owned: number, isSecondLook: boolean) => boolean;
};

/** Milliseconds between the first look and the second. */
export const CONFIRM_AFTER = 10_000;

export function createRemovalHold(clock: Clock, { guarded, released }: HoldReporter): RemovalHold {
  let held: { readonly removals: Removals; readonly due: number } | undefined;
  return {
    due: () => held?.due,
    mayRemove: (removals, owned, isSecondLook) => {
      if (held !== undefined && !isSecondLook) return false;
      const decision =
        held === undefined
          ? guardDeletions(removals, owned)
          : confirmDeletions(held.removals, removals, owned);
      if (decision.kind === 'apply') {
        if (held !== undefined) released();
        held = undefined;
        return true;
      }
      held = { removals, due: clock.elapsed() + CONFIRM_AFTER };
      guarded(decision);
      return false;
    },
  };
}
