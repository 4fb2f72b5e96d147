/** One watch, from its request to its end. */
import type { IncomingMessage } from 'node:http';
import { reasonOf, TandemError } from '../support/errors.ts';
import type { ApiClient } from './api-client.ts';
import type { Clock } from '../support/clock.ts';
import { failureOf, thrownFailure, type WatchFailure } from './watch-failure.ts';
import { watchEvents, type WatchEvent } from './watch-events.ts';

type WatchSession = {
  readonly client: Pick<ApiClient, 'watch'>;
  /** With the query. */
  readonly path: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Receives an event; a returned value ends the watch. */
  readonly take: (event: WatchEvent) => WatchFailure | undefined;
};

// The server sends a bookmark every 60 to 75 seconds (k8s.io/apiserver, cacher: bookmarkFrequency), and skips the first one
// of a watch without events: two are missing, plus 50 s. Nothing is lost: the next watch continues where this one ended.
export const IDLE = 200_000;

/** Resolves with what ended the watch, never with success; rejects with what `take` throws. */
export async function watchSession({
  client,
  path,
  clock,
  signal,
  take,
}: WatchSession): Promise<WatchFailure> {
  const ending = new AbortController();
  const idle = idleTimer(clock, () => ending.abort());
  let isOpen = false;
  try {
    const answer = await client.watch(path, AbortSignal.any([signal, ending.signal]));
    if (answer.kind === 'refused') return failureOf(answer, path);
    isOpen = true;
    for await (const event of watchEvents(chunks(answer.stream, idle.touch))) {
      const failure = take(event);
      if (failure !== undefined) return failure;
    }
    return { cause: 'closed', error: undefined, wait: 0 };
  } catch (error) {
    const failure = thrownFailure(error);
    if (idle.isOver()) return { ...failure, cause: 'idle' };
    return isOpen && failure.cause === 'unreachable' ? { ...failure, cause: 'reset' } : failure;
  } finally {
    idle.cancel();
    ending.abort();
  }
}

/** @throws TandemError TANDEM_KUBERNETES_UNREACHABLE when the connection breaks */
async function* chunks(stream: IncomingMessage, touch: () => void): AsyncGenerator<string> {
  const texts: AsyncIterator<string> = stream.setEncoding('utf8')[Symbol.asyncIterator]();
  touch();
  for (;;) {
    const next = await texts.next().catch((cause: unknown) => {
      throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', `the watch broke: ${reasonOf(cause)}`, cause);
    });
    if (next.done === true) return;
    touch();
    yield next.value;
  }
}

type IdleTimer = {
  readonly touch: () => void;
  readonly cancel: () => void;
  readonly isOver: () => boolean;
};

function idleTimer(clock: Clock, onIdle: () => void): IdleTimer {
  let isOver = false;
  let cancel = (): void => undefined;
  return {
    touch: () => {
      cancel();
      cancel = clock.after(IDLE, () => {
        isOver = true;
        onIdle();
      });
    },
    cancel: () => cancel(),
    isOver: () => isOver,
  };
}
