/** Collects what one turn of the event loop brought, and answers it together in the next. */

type TurnQueueDependencies<T> = {
  /** Whether its answer takes many times as long as a usual one. */
  readonly isLarge: (item: T) => boolean;
  /** Who has asked for it, from the whole to the part. */
  readonly askersOf: (item: T) => readonly string[];
  /** What it does not take out of the batch waits for the next turn. */
  readonly answer: (batch: Iterable<T>) => void;
};

/**
 * Answers every small item of a turn together, then one large item. Askers take turns, so nobody waits for all that another one
 * asked for.
 */
export function turnQueue<T>({ isLarge, askersOf, answer }: TurnQueueDependencies<T>): (item: T) => void {
  const small = nothing<T>();
  const large = nothing<T>();
  let isScheduled = false;
  const schedule = (): void => {
    if (!isScheduled) setImmediate(turn);
    isScheduled = true;
  };
  const turn = (): void => {
    isScheduled = false;
    answer(takeAll(small));
    const [first] = takeAll(large);
    if (first !== undefined) answer([first]);
    if (!isEmpty(small) || !isEmpty(large)) schedule();
  };
  return (item) => {
    put(isLarge(item) ? large : small, askersOf(item), item);
    schedule();
  };
}

/** What waits, by those who have asked for it. */
type Waiting<T> = { readonly items: T[]; readonly parts: Map<string, Waiting<T>> };

function nothing<T>(): Waiting<T> {
  return { items: [], parts: new Map() };
}

function isEmpty({ items, parts }: Waiting<unknown>): boolean {
  return items.length + parts.size === 0;
}

function put<T>(waiting: Waiting<T>, [asker, ...rest]: readonly string[], item: T): void {
  if (asker === undefined) {
    waiting.items.push(item);
    return;
  }
  const part = waiting.parts.get(asker) ?? nothing();
  waiting.parts.set(asker, part);
  put(part, rest, item);
}

/** That of the one who has waited longest for a turn. */
function take<T>({ items, parts }: Waiting<T>): T | undefined {
  for (const [asker, part] of parts) {
    const taken = take(part);
    parts.delete(asker);
    if (!isEmpty(part)) parts.set(asker, part);
    return taken;
  }
  return items.shift();
}

function* takeAll<T>(waiting: Waiting<T>): Generator<T> {
  for (let taken = take(waiting); taken !== undefined; taken = take(waiting)) yield taken;
}
