/** Tells a slow server from one that will never answer, for example because its machine has lost power. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Incoming, Outgoing, Transport } from './transport.ts';

type Liveness = {
  /**
   * Like `send` of the transport, but as long as the answer is awaited, the server is asked again and again whether it is alive, and
   * who leads. If it does not answer that, it will not answer the call either; and a call that was forwarded to a leader that no
   * longer leads may wait for it for a minute. A timeout alone would be too long for these, or too short for slow ones.
   *
   * @throws only the reason of the signal, when that aborts
   */
  readonly send: (address: string, outgoing: Outgoing) => Promise<Incoming>;
};

// Most answers come within milliseconds, so hardly any call is ever asked about. One second of doubt and two for the answer
// leave time to begin again elsewhere within 5 s.
const DOUBT_MILLISECONDS = 1000;
const PROBE_MILLISECONDS = 2000;

// Consul answers it out of its own memory, with or without a leader, and to everybody.
export const PROBE: Outgoing = {
  method: 'GET',
  path: '/v1/status/leader',
  headers: {},
  body: undefined,
  lane: 'probe',
  timeout: PROBE_MILLISECONDS,
  signal: undefined,
};
const NO_LEADER = '""';

export function createLiveness(transport: Transport): Liveness {
  /** As each server said last. */
  const leaders = new Map<string, string>();

  /** Resolves with the reason why there will be no answer; undefined when the call has ended by itself. */
  async function watchOver(address: string, answered: AbortSignal): Promise<string | undefined> {
    let before = leaders.get(address);
    while (await isDoubtful(answered)) {
      const probe = await transport.send(address, PROBE);
      if (probe.kind === 'no-answer') return `nor did the server answer GET ${PROBE.path}`;
      const leader = probe.text.trim();
      leaders.set(address, leader);
      before ??= leader;
      if (leader !== before && leader !== NO_LEADER) return 'and another server leads by now';
    }
    return undefined;
  }

  return {
    send: async (address, outgoing) => {
      const answered = new AbortController();
      const hopeless = new AbortController();
      const { signal } = outgoing;
      const signals = signal === undefined ? [hopeless.signal] : [hopeless.signal, signal];
      const verdict = watchOver(address, answered.signal);
      void abortBy(verdict, hopeless);
      try {
        return await transport.send(address, { ...outgoing, signal: AbortSignal.any(signals) });
      } catch (error) {
        if (signal?.aborted === true || !hopeless.signal.aborted) throw error;
        const reason = `no answer yet, ${await verdict}`;
        return { kind: 'no-answer', sent: true, reason, cause: undefined };
      } finally {
        answered.abort();
      }
    },
  };
}

async function abortBy(verdict: Promise<string | undefined>, controller: AbortController): Promise<void> {
  if ((await verdict) !== undefined) controller.abort();
}

/** True after a while; false at once when the signal is aborted. */
function isDoubtful(signal: AbortSignal): Promise<boolean> {
  return delay(DOUBT_MILLISECONDS, true, { signal }).catch(() => false);
}
