/** The time of the API server, which judges certificates and whose clock therefore counts. */
import type { ApiClient } from './api-client.ts';
import type { Clock } from '../support/clock.ts';

type ServerTime = {
  /** Learns from every answer. */
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  /** Milliseconds since the epoch by the API server's clock; by our own before its first answer. */
  readonly now: () => number;
};

// The header `date` has whole seconds (RFC 9110, 5.6.7), and a slow answer is late: for smaller differences, our own clock
// is better.
const TOLERANCE = 5000;

export function serverTime(client: Pick<ApiClient, 'request' | 'watch'>, clock: Clock): ServerTime {
  let offset = 0;
  const learn = (date: string | undefined): void => {
    const time = Date.parse(date ?? '');
    if (Number.isNaN(time)) return;
    const measured = time - clock.now();
    offset = Math.abs(measured) < TOLERANCE ? 0 : measured;
  };
  return {
    client: {
      request: async (...call) => {
        const answer = await client.request(...call);
        learn(answer.headers.date);
        return answer;
      },
      watch: async (...call) => {
        const answer = await client.watch(...call);
        learn(answer.kind === 'stream' ? answer.stream.headers.date : answer.headers.date);
        return answer;
      },
    },
    now: () => clock.now() + offset,
  };
}
