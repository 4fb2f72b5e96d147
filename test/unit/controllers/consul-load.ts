/** A Consul that needs its time for each call, on the clock of the test. */
import type { Clock } from '../../../src/support/clock.ts';

export type ConsulLoad = {
  readonly atATime: number;
  /** Milliseconds. @param size number of instances or checks in the call or its answer */
  readonly cost: (call: 'read' | 'checks' | 'nodes' | 'register' | 'transaction', size: number) => number;
};

/**
 * A registration alone takes 4.4 ms; two are worked on at a time, so that Consul takes 454 a second. The other costs are in the
 * proportion of those that were measured at Consul 1.20.6 (CPU: 0.7 ms a registration, 2 ms a whole node of 100 instances,
 * 0.8 ms two instances of it, 0.17 ms a check in a transaction).
 */
export const SLOW_CONSUL: ConsulLoad = {
  atATime: 2,
  cost: (call, size) => {
    if (call === 'register') return 4.4;
    if (call === 'transaction') return 4 + size;
    if (call === 'checks') return 5 + size / 20;
    return call === 'read' ? 4.5 + size / 11 : 5;
  },
};

export type ConsulWork = {
  /** Resolves when Consul has done its work for the call, behind that of the calls before. */
  readonly done: (...call: Parameters<ConsulLoad['cost']>) => Promise<void>;
  /** Milliseconds for which Consul has worked. */
  readonly busy: () => number;
};

/** @param loadOf undefined while nothing takes any time */
export function createConsulWork(
  clock: Pick<Clock, 'elapsed' | 'after'>,
  loadOf: () => ConsulLoad | undefined,
): ConsulWork {
  const free: number[] = [];
  let busy = 0;
  return {
    done: async (call, size) => {
      const load = loadOf();
      if (load === undefined) return;
      while (free.length < load.atATime) free.push(0);
      const [first = 0] = free.toSorted((left, right) => left - right);
      const end = Math.max(first, clock.elapsed()) + load.cost(call, size);
      free[free.indexOf(first)] = end;
      busy += load.cost(call, size);
      await new Promise<void>((resolve) => void clock.after(end - clock.elapsed(), resolve));
    },
    busy: () => busy,
  };
}
