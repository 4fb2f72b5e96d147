/** A counter whose count is kept elsewhere. */
import type { Counter } from 'prom-client';

export function followCount(counter: Counter, count: () => number): void {
  let seen = 0;
  Object.assign(counter, {
    collect: () => {
      const now = count();
      counter.inc(now - seen);
      seen = now;
    },
  });
}
