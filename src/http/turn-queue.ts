/** What one turn of the event loop brought, answered together in the next. */

/**
 * Every small item of a turn, and one large item: the many wait for the cost of one large item at most, and the large ones
 * are answered in their order.
 *
 * @param answer returns how many of the batch it has answered; those behind them come first in the next turn
 */
export function turnQueue<T>(
  isLarge: (item: T) => boolean,
  answer: (batch: readonly T[]) => number,
): (item: T) => void {
  const small: T[] = [];
  const large: T[] = [];
  let isScheduled = false;
  const schedule = (): void => {
    if (!isScheduled) setImmediate(turn);
    isScheduled = true;
  };
  const turn = (): void => {
    isScheduled = false;
    const batch = [...small.splice(0), ...large.splice(0, 1)];
    const left = batch.slice(answer(batch));
    for (const item of left.toReversed()) (isLarge(item) ? large : small).unshift(item);
    if (small.length + large.length > 0) schedule();
  };
  return (item) => {
    (isLarge(item) ? large : small).push(item);
    schedule();
  };
}
