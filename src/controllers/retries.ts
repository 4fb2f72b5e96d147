/** Sources of which Consul refused something: each is tried again, less and less often, until it goes through. */
import { earliest } from '../support/earliest.ts';

export type Retries = {
  readonly failed: (source: string, now: number) => void;
  readonly due: () => number | undefined;
  /** It has failed, and it is not its time yet. */
  readonly isWaiting: (source: string) => boolean;
  /** Those that are due; each is forgotten here until it fails again. */
  readonly take: (now: number) => readonly string[];
};

// What Consul refuses it refuses until somebody edits the Service, which is an event of its own.
const FIRST = 5000;
const LONGEST = 5 * 60_000;

/** @param random a number from 0 up to 1 */
export function createRetries(random: () => number): Retries {
  const waiting = new Map<string, number>();
  const failures = new Map<string, { readonly span: number; readonly at: number }>();
  return {
    failed: (source, now) => {
      const before = failures.get(source);
      const isRecent = before !== undefined && now - before.at < 2 * LONGEST;
      const span = isRecent ? Math.min(before.span * 2, LONGEST) : FIRST;
      failures.set(source, { span, at: now });
      waiting.set(source, now + span * (0.5 + random() / 2));
    },
    due: () => earliest(waiting.values()),
    isWaiting: (source) => waiting.has(source),
    take: (now) => {
      const due = [...waiting].filter(([, moment]) => moment <= now).map(([source]) => source);
      for (const source of due) waiting.delete(source);
      return due;
    },
  };
}
