/** How many bytes all requests together may hold, and which request is dropped when they hold more. */
import type { RefusalReason } from '../admission/refusals.ts';

/** What one request holds: its body while it arrives and waits, then its answer until that is sent. */
export type Hold = {
  readonly set: (bytes: number) => void;
  /** What ends the request; replaced as it goes on. */
  refuse: (reason: RefusalReason) => void;
  readonly release: () => void;
};

export type ByteBudget = {
  /** @param declared bytes that are still to come, 0 when unknown */
  readonly hold: (declared: number, refuse: Hold['refuse']) => Hold;
  readonly bytes: () => number;
};

type Held = Hold & { readonly since: number; readonly declared: number; bytes: number };

// An API server sends what it has in milliseconds.
const SLOW = 1000;

/**
 * When there is no room, the request that makes the least use of it is dropped: the oldest of those that take more than a second, else
 * the largest, and of equals the newest. So neither a few large bodies nor many that stall keep an ordinary pod out.
 *
 * @param now milliseconds
 */
export function byteBudget(limit: number, now: () => number): ByteBudget {
  const holds = new Set<Held>();
  let total = 0;
  const set = (held: Held, bytes: number): void => {
    if (!holds.has(held)) return;
    total += bytes - held.bytes;
    held.bytes = bytes;
    makeRoom();
  };
  const makeRoom = (): void => {
    for (;;) {
      const victim = total > limit ? leastUseful(holds, now()) : undefined;
      if (victim === undefined) return;
      const { refuse } = victim;
      release(victim);
      refuse('body-budget');
    }
  };
  const release = (held: Held): void => {
    if (holds.delete(held)) total -= held.bytes;
    // A Set that has grown keeps its former table, with its entries and whole requests.
    held.refuse = ignore;
  };
  return {
    hold: (declared, refuse) => {
      const held: Held = {
        since: now(),
        declared,
        bytes: 0,
        refuse,
        set: (bytes) => set(held, bytes),
        release: () => release(held),
      };
      holds.add(held);
      return held;
    },
    bytes: () => total,
  };
}

function ignore(): void {}

function leastUseful(holds: ReadonlySet<Held>, now: number): Held | undefined {
  let largest: Held | undefined;
  // In the order in which they came.
  for (const held of holds) {
    if (now - held.since > SLOW && held.bytes > 0) return held;
    if (largest === undefined || sizeOf(held) >= sizeOf(largest)) largest = held;
  }
  return largest;
}

function sizeOf({ declared, bytes }: Held): number {
  return Math.max(declared, bytes);
}
