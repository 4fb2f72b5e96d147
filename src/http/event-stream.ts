/** `/events`: tells readers of the page what changed (HTML Standard, 9.2 Server-sent events); no reader may cost much. */
import type { ServerResponse } from 'node:http';
import { changeOf } from '../status-page/view-change.ts';
import type { View } from '../status-page/view.ts';
import type { ViewQuery } from '../status-page/view-query.ts';
import { PAUSE_SHARE } from './held.ts';

type EventStream = {
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

type EventStreamOptions = {
  /** What a new reader has, or nearly: it may be slightly old. */
  readonly view: (query: ViewQuery) => View;
  /** Reads the status as it is now. */
  readonly look: () => Look;
  /** Calls the listener after a change, until the returned function is called. */
  readonly onChange: (listener: () => void) => () => void;
  /** Milliseconds */
  readonly pause?: number;
  readonly heartbeat?: number;
};

/** The view of each query, all from one read of the status. */
type Look = (query: ViewQuery) => View;

type Reader = {
  readonly query: ViewQuery;
  readonly response: ServerResponse;
  /** What was sent last. */
  view: View;
  /** The previous heartbeat did not get through. */
  isStuck: boolean;
};

// The people who watch one process; each costs a comparison with every change.
export const MOST_READERS = 32;

// A reconcile changes many rows one after the other, and nobody reads faster.
const PAUSE = 250;

// Proxies cut connections that are silent for 30 s or 60 s.
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
  const { view, look, onChange, pause = PAUSE, heartbeat = HEARTBEAT } = options;
  const readers = new Set<Reader>();
  let isClosed = false;
  /** The next read of the status, or its next part. */
  let flushing: NodeJS.Timeout | undefined;
  /** Something changed after that read. */
  let isDue = false;
  let beating: NodeJS.Timeout | undefined;

  const flush = (): void => {
    isDue = false;
    const start = performance.now();
    const viewNow = look();
    const queries = new Map([...readers].map(({ query }) => [JSON.stringify(query), query]));
    turn(viewNow, [...queries.values()], performance.now() - start);
  };
  /** Readers of one query share its view. The other queries wait: the process does its work between two of them. */
  const turn = (viewNow: Look, [query, ...others]: readonly ViewQuery[], spent: number): void => {
    flushing = undefined;
    if (query === undefined) return isDue ? changed() : undefined;
    const start = performance.now();
    const now = viewNow(query);
    const key = JSON.stringify(query);
    for (const reader of readers) if (JSON.stringify(reader.query) === key) send(reader, now);
    const rest = (spent + performance.now() - start) * PAUSE_SHARE;
    flushing = setTimeout(() => turn(viewNow, others, 0), rest).unref();
  };
  const changed = (): void => {
    isDue = true;
    if (readers.size > 0) flushing ??= setTimeout(flush, pause).unref();
  };
  // Not everything on the page announces its changes: a certificate expires by itself.
  const beat = (): void => {
    for (const { response } of [...readers].filter(({ isStuck }) => isStuck)) response.destroy();
    for (const reader of readers) {
      reader.isStuck = reader.response.writableNeedDrain;
      if (!reader.isStuck) reader.response.write(':\n\n');
    }
    if (flushing === undefined) flush();
    else isDue = true;
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
      changed();
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
