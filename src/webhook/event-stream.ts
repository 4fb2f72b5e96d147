/** `/events`: tells readers of the page what changed (HTML Standard, 9.2 Server-sent events), and no reader costs much. */
import type { ServerResponse } from 'node:http';
import { changeOf } from '../status-page/view-change.ts';
import type { View } from '../status-page/view.ts';
import type { ViewQuery } from '../status-page/view-query.ts';

export type EventStream = {
  /**
   * Answers with a stream that lasts until either side ends it.
   *
   * @param seen the id of the view that the reader has
   * @returns false when there are too many readers; then nothing was answered
   */
  readonly open: (query: ViewQuery, seen: string | undefined, response: ServerResponse) => boolean;
  readonly readers: () => number;
  /** Ends every stream, and opens no other. */
  readonly close: () => void;
};

export type EventStreamOptions = {
  readonly view: (query: ViewQuery) => View;
  /** Calls the listener after a change, until the function that it gives is called. */
  readonly onChange: (listener: () => void) => () => void;
  /** Milliseconds */
  readonly pause?: number;
  readonly heartbeat?: number;
};

type Reader = {
  readonly query: ViewQuery;
  readonly response: ServerResponse;
  /** What was sent last. */
  view: View;
  /** The heartbeat before did not get through. */
  isStuck: boolean;
};

// The people who look at one process; each costs a comparison with every change.
export const MOST_READERS = 32;

// A pass of the sync changes many rows one after the other, and nobody reads faster.
const PAUSE = 250;

// Proxies cut what is silent for 30 s or 60 s.
const HEARTBEAT = 15_000;

// Milliseconds until a browser connects again.
const RETRY = 2000;

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // A proxy that buffers would hold the events back.
  'x-accel-buffering': 'no',
  connection: 'close',
};

export function eventStream(options: EventStreamOptions): EventStream {
  const { view, onChange, pause = PAUSE, heartbeat = HEARTBEAT } = options;
  const readers = new Set<Reader>();
  let isClosed = false;
  let flushing: NodeJS.Timeout | undefined;
  let beating: NodeJS.Timeout | undefined;

  /** Readers of the same view share its making. */
  const flush = (): void => {
    flushing = undefined;
    const views = new Map<string, View>();
    for (const reader of readers) {
      const key = JSON.stringify(reader.query);
      const now = views.get(key) ?? view(reader.query);
      views.set(key, now);
      send(reader, now);
    }
  };
  const changed = (): void => {
    if (readers.size > 0) flushing ??= setTimeout(flush, pause).unref();
  };
  // Not everything that the page shows tells when it changes: a certificate expires by itself.
  const beat = (): void => {
    for (const { response } of [...readers].filter(({ isStuck }) => isStuck)) response.destroy();
    for (const reader of readers) {
      reader.isStuck = reader.response.writableNeedDrain;
      if (!reader.isStuck) reader.response.write(':\n\n');
    }
    flush();
  };
  const leave = (reader: Reader): void => {
    readers.delete(reader);
    if (readers.size > 0) return;
    clearInterval(beating);
    clearTimeout(flushing);
    flushing = undefined;
  };
  const unsubscribe = onChange(changed);

  return {
    open: (query, seen, response) => {
      if (isClosed || readers.size >= MOST_READERS) return false;
      const now = view(query);
      const reader: Reader = { query, response, view: now, isStuck: false };
      if (readers.size === 0) beating = setInterval(beat, heartbeat).unref();
      readers.add(reader);
      response.on('close', () => leave(reader)).on('drain', changed);
      response.writeHead(200, HEADERS).write(`retry: ${RETRY}\n\n`);
      if (seen !== now.id) write(response, now, undefined);
      return true;
    },
    readers: () => readers.size,
    close: () => {
      isClosed = true;
      unsubscribe();
      for (const { response } of readers) response.end();
    },
  };
}

/** A reader that does not keep up gets the sum of the changes when it does. */
function send(reader: Reader, now: View): void {
  if (reader.response.writableNeedDrain || now.id === reader.view.id) return;
  write(reader.response, now, reader.view);
  reader.view = now;
}

function write(response: ServerResponse, now: View, before: View | undefined): void {
  response.write(`id: ${now.id}\nevent: change\ndata: ${JSON.stringify(changeOf(before, now))}\n\n`);
}
