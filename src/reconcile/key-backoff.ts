/** Keys whose changes were refused: each is tried again, less and less often, until it succeeds. */
import { earliest } from '../support/earliest.ts';

type KeyBackoff = {
  readonly failed: (key: string, now: number) => void;
  readonly due: () => number | undefined;
  /** It has failed, and is not due yet. */
  readonly isWaiting: (key: string) => boolean;
  /** Keys that are due; each is forgotten here until it fails again. */
  readonly take: (now: number) => readonly string[];
};

// What is refused stays refused until somebody edits the object, which causes its own event.
const FIRST = 5000;
const LONGEST = 5 * 60_000;
// A key that has not failed for this long is forgotten, and starts anew: new keys of pods never stop coming.
const REMEMBERED = 2 * LONGEST;

/** @param random a number from 0 up to 1 */
export function createKeyBackoff(random: () => number): KeyBackoff {
  const waiting = new Map<string, number>();
  /** In the order of their last failures. */
  const failures = new Map<string, { readonly span: number; readonly at: number }>();
  return {
    failed: (key, now) => {
      const before = failures.get(key);
      const isRecent = before !== undefined && now - before.at < REMEMBERED;
      const span = isRecent ? Math.min(before.span * 2, LONGEST) : FIRST;
      failures.delete(key);
      failures.set(key, { span, at: now });
      for (const [oldest, { at }] of failures) {
        if (now - at < REMEMBERED) break;
        failures.delete(oldest);
      }
      waiting.set(key, now + span * (0.5 + random() / 2));
    },
    due: () => earliest(waiting.values()),
    isWaiting: (key) => waiting.has(key),
    take: (now) => {
      const due = [...waiting].filter(([, moment]) => moment <= now).map(([key]) => key);
      for (const key of due) waiting.delete(key);
      return due;
    },
  };
}
