/** Whether this process may write now: what every client that writes asks. */
import type { Term } from '../kubernetes/leader-term.ts';

export type Leadership = {
  readonly mayWrite: () => boolean;
  /** The newest term counts. */
  readonly during: (term: Pick<Term, 'isHeld'>) => void;
};

/** @param isElected without an election it may always write, with one only while a term is held */
export function leadership(isElected: boolean): Leadership {
  let mayWrite = (): boolean => !isElected;
  return {
    mayWrite: () => mayWrite(),
    during: ({ isHeld }) => {
      mayWrite = isHeld;
    },
  };
}
