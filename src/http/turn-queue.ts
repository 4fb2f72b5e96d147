/** Collects what one turn of the event loop brought, and answers it together in the next. */

/**
 * Every small item of a turn, and one large item: small items wait for one large item at most, and large ones
 * are answered in their order.
 *
 * @param answer returns how many of the batch it has answered; those behind them come first in the next turn, so nobody waits
 *   for those that come later
 */
export function turnQueue<T>(
  isLarge: (item: T) => boolean,
  answer: (batch: readonly T[]) => number,
): (item: T) => void {
  const small: T[] = [];
  const large: T[] = [];
  let left: readonly T[] = [];
  let isScheduled = false;
  const schedule = (): void => {
    if (!isScheduled) setImmediate(turn);
    isScheduled = true;
  };
  const turn = (): void => {
    isScheduled = false;
    const batch = [...left, ...small.splice(0), ...(left.some(isLarge) ? [] : large.splice(0, 1))];
    left = batch.slice(answer(batch));
    if (left.length + large.length > 0) schedule();
  };
  return (item) => {
    (isLarge(item) ? large : small).push(item);
    schedule();
  };
}
