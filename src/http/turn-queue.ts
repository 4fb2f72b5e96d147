/** Collects what one turn of the event loop brought, and answers it together in the next. */

type TurnQueueDependencies<T> = {
  /** Whether its answer takes many times as long as a usual one. */
  readonly isLarge: (item: T) => boolean;
  /** Called for large items only. */
  readonly askerOf: (item: T) => string;
  /** Returns how many of the batch it has answered; those behind them come first in the next turn. */
  readonly answer: (batch: readonly T[]) => number;
};

/**
 * Answers every small item of a turn together, then one large item: small items wait for one large item at most. Askers take turns
 * with their large items, so nobody waits for all that another one asked for.
 */
export function turnQueue<T>({ isLarge, askerOf, answer }: TurnQueueDependencies<T>): (item: T) => void {
  const small: T[] = [];
  const large = new Map<string, T[]>();
  let left: readonly T[] = [];
  let isScheduled = false;
  const schedule = (): void => {
    if (!isScheduled) setImmediate(turn);
    isScheduled = true;
  };
  const turn = (): void => {
    isScheduled = false;
    const batch = [...left, ...small.splice(0)];
    left = batch.slice(answer(batch));
    if (large.size > 0) answer(takeLarge());
    if (left.length + large.size > 0) schedule();
  };
  /** That of the one who has waited longest for a turn. */
  const takeLarge = (): readonly T[] => {
    for (const [asker, items] of large) {
      const taken = items.splice(0, 1);
      large.delete(asker);
      if (items.length > 0) large.set(asker, items);
      return taken;
    }
    return [];
  };
  return (item) => {
    if (isLarge(item)) {
      const asker = askerOf(item);
      const items = large.get(asker);
      if (items === undefined) large.set(asker, [item]);
      else items.push(item);
    } else small.push(item);
    schedule();
  };
}
