/** Places where another one holds an id that a pod wants: observed again and again, because a holder says nothing when it goes. */
import { earliest } from '../support/earliest.ts';

export type Contested = {
  /** A place was observed, which took so many milliseconds. */
  readonly observed: (place: string, isContested: boolean, now: number, took: number) => void;
  readonly due: () => number | undefined;
  readonly take: (now: number) => readonly string[];
};

// An id that is given up is taken within 2 s: a second between two observations leaves one for the next and the write.
const BETWEEN = 1000;
// Observing in vain takes at most a tenth of the time.
const SHARE = 10;

export function createContested(): Contested {
  const waiting = new Map<string, number>();
  return {
    observed: (place, isContested, now, took) => {
      if (isContested) waiting.set(place, now + Math.max(BETWEEN, took * SHARE));
      else waiting.delete(place);
    },
    due: () => earliest(waiting.values()),
    take: (now) => {
      const due = [...waiting].filter(([, moment]) => moment <= now).map(([place]) => place);
      for (const place of due) waiting.delete(place);
      return due;
    },
  };
}
