/** Whether this process leads, and whether it may write now: every client that writes asks it. */
import type { Term } from '../kubernetes/leader-term.ts';
import { runElected, type ReplicaElection } from './replica-election.ts';

type Lead = (term: AbortSignal) => Promise<void>;

export type Leadership = {
  readonly mayWrite: () => boolean;
  readonly isLeading: () => boolean;
  /** Leads for one term; the newest one counts. */
  readonly during: (term: Term, lead: Lead) => Promise<void>;
  /** Without an election it leads at once. Resolves when the signal has ended it. */
  readonly run: (lead: Lead, election: Omit<ReplicaElection, 'lead'>, signal: AbortSignal) => Promise<void>;
};

/**
 * @param isElected without an election it may always write, with one only while a term is held
 * @param changed called when it begins to lead, and when it has ended
 */
export function leadership(isElected: boolean, changed: () => void): Leadership {
  let mayWrite = (): boolean => !isElected;
  let isLeading = false;
  const during: Leadership['during'] = async ({ isHeld, signal }, lead) => {
    mayWrite = isHeld;
    isLeading = true;
    changed();
    await lead(signal);
    isLeading = false;
    changed();
  };
  return {
    mayWrite: () => mayWrite(),
    isLeading: () => isLeading,
    during,
    run: (lead, election, signal) =>
      isElected
        ? runElected({ ...election, lead: (term) => during(term, lead) }, signal)
        : during({ signal, isHeld: () => true }, lead),
  };
}
