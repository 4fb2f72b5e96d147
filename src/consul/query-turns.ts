/** Blocking queries about many services over a few slots: decides which service is asked about next, and for how long. */

export type QueryTurns = {
  /** From now on there are queries about these, and about no others. */
  readonly follow: (services: readonly string[]) => void;
  readonly followed: () => ReadonlySet<string>;
  /** There are more services than slots, so that none keeps its slot. */
  readonly isCrowded: () => boolean;
  /** For how long Consul may hold a query that begins now. */
  readonly waitSeconds: () => number;
  /** A query about the service was answered. */
  readonly hadTurn: (service: string) => void;
  /** Something may have changed about any service: each gets a turn soon. */
  readonly suspect: () => void;
  /** Ends all queries; resolves when they have. */
  readonly stop: () => Promise<void>;
};

type QueryTurnsOptions = {
  readonly slots: number;
  /** Nothing is known of the service: it comes first. */
  readonly isUrgent: (service: string) => boolean;
  /** One query about the service. Never rejects. */
  readonly ask: (service: string, signal: AbortSignal) => Promise<void>;
};

// Consul's own default (Consul, "Blocking Queries").
const WAIT_SECONDS = 300;
// The shortest that Consul is asked for, when there is a suspicion: 36 queries a second, and 2,000 services in 56 s.
const SHORT_TURN_SECONDS = 1;

/** Up to as many services as there are slots, each keeps a slot of its own. */
export function createQueryTurns({ slots, isUrgent, ask }: QueryTurnsOptions): QueryTurns {
  const running = new Map<string, { readonly abort: () => void; readonly done: Promise<void> }>();
  let followed: ReadonlySet<string> = new Set();
  /** Those that have no query now, the next one first. */
  let waiting: string[] = [];
  /** Those that had no turn since the last suspicion. */
  let suspected = new Set<string>();
  let isSuspectedAgain = false;
  let isStopped = false;

  const isCrowded = (): boolean => followed.size > slots;

  function hadTurn(service: string): void {
    if (!suspected.delete(service) || suspected.size > 0) return;
    if (isSuspectedAgain) suspected = new Set(followed);
    isSuspectedAgain = false;
  }

  function fill(): void {
    while (running.size < slots) {
      if (isStopped) return;
      const urgent = waiting.findIndex(isUrgent);
      const [service] = waiting.splice(Math.max(urgent, 0), 1);
      if (service === undefined) return;
      const ending = new AbortController();
      running.set(service, { abort: () => ending.abort(), done: turn(service, ending.signal) });
    }
  }

  async function turn(service: string, signal: AbortSignal): Promise<void> {
    await ask(service, signal);
    running.delete(service);
    if (followed.has(service)) waiting.push(service);
    fill();
  }

  return {
    follow: (services) => {
      const wasCrowded = isCrowded();
      followed = new Set(services);
      // A query that was to hold for minutes would keep its slot from the others.
      const mustShare = isCrowded() && !wasCrowded;
      for (const [service, { abort }] of running) if (mustShare || !followed.has(service)) abort();
      for (const service of suspected) if (!followed.has(service)) hadTurn(service);
      waiting = services.filter((service) => !running.has(service));
      fill();
    },
    followed: () => followed,
    isCrowded,
    waitSeconds: () => {
      if (!isCrowded()) return WAIT_SECONDS;
      if (suspected.size > 0) return SHORT_TURN_SECONDS;
      // So that each is asked about as often as by a query of its own.
      return Math.max(SHORT_TURN_SECONDS, Math.floor((WAIT_SECONDS * slots) / followed.size));
    },
    hadTurn,
    suspect: () => {
      if (!isCrowded()) return;
      // A round that has begun is finished, or the last service would never have its turn.
      isSuspectedAgain = suspected.size > 0;
      if (isSuspectedAgain) return;
      suspected = new Set(followed);
      for (const { abort } of running.values()) abort();
    },
    stop: async () => {
      isStopped = true;
      for (const { abort } of running.values()) abort();
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
