/**
 * Places where another one holds an id that a pod wants, or an address: observed again and again, because a holder says nothing
 * when it goes.
 */
import { earliest } from '../support/earliest.ts';

/** What a place waits for. */
type Contest = {
  /** Another one holds an id. */
  readonly isHeld: boolean;
  /** Who waits for an address, and for which; one text for each. */
  readonly waiting: readonly string[];
};

export const NO_CONTEST: Contest = { isHeld: false, waiting: [] };

export type Contested = {
  /** A place was observed, which took so many milliseconds. */
  readonly observed: (place: string, contest: Contest, now: number, took: number) => void;
  readonly due: () => number | undefined;
  readonly take: (now: number) => readonly string[];
};

// An id that is given up is taken within 2 s: a second between two observations leaves one for the next and the write.
const BETWEEN = 1000;
// Observing without success takes at most a tenth of the time. So an address comes a tenth later than it could.
const SHARE = 10;
// The wait for an address may never end: its holder may never go, and the token may not read who has it.
const LONGEST = 60_000;

export function createContested(): Contested {
  const due = new Map<string, number>();
  /** Place → who waits there → since when. */
  const waits = new Map<string, ReadonlyMap<string, number>>();
  return {
    observed: (place, { isHeld, waiting }, now, took) => {
      const since = new Map(waiting.map((each) => [each, waits.get(place)?.get(each) ?? now]));
      if (since.size === 0) waits.delete(place);
      else waits.set(place, since);
      if (!isHeld && since.size === 0) {
        due.delete(place);
        return;
      }
      // Whoever came last counts: its turn may be near.
      const waited = isHeld ? 0 : now - Math.max(...since.values());
      const between = Math.max(BETWEEN, took * SHARE, Math.min(waited / SHARE, LONGEST));
      due.set(place, now + between);
    },
    due: () => earliest(due.values()),
    take: (now) => {
      const places = [...due].filter(([, moment]) => moment <= now).map(([place]) => place);
      for (const place of places) due.delete(place);
      return places;
    },
  };
}
