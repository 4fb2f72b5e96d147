/** The events of a watch: a stream of lines, each a JSON object. */
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';

export type WatchEvent =
  | { readonly kind: 'added' | 'modified' | 'deleted'; readonly object: unknown }
  /** Nothing happened to the watched objects up to this version. */
  | { readonly kind: 'bookmark'; readonly version: string }
  | { readonly kind: 'error'; readonly status: number; readonly body: unknown };

// etcd refuses requests above 1.5 MiB, and no character of an object needs more than the six of \u0000 in JSON: 9 MiB.
const LONGEST_LINE = 16 * 1024 * 1024;

const KINDS = new Map<unknown, 'added' | 'modified' | 'deleted'>([
  ['ADDED', 'added'],
  ['MODIFIED', 'modified'],
  ['DELETED', 'deleted'],
]);

/**
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 *
 * @param chunks text, cut anywhere
 * @throws TandemError TANDEM_KUBERNETES_GARBLED at a line that is no event, at half a line at the end, and at one without end
 */
export async function* watchEvents(chunks: AsyncIterable<string>): AsyncGenerator<WatchEvent> {
  let rest = '';
  for await (const chunk of chunks) {
    const [first = '', ...lines] = chunk.split('\n');
    // Chunks are joined only at the end of a line: a long line comes in hundreds of them.
    rest += first;
    for (const line of lines) {
      if (rest.trim() !== '') yield parseEvent(rest);
      rest = line;
    }
    if (rest.length > LONGEST_LINE) throw garbled('a line of a watch has no end');
  }
  if (rest.trim() !== '') throw garbled('a watch ended in the middle of a line');
}

function parseEvent(line: string): WatchEvent {
  const event = parseLine(line);
  const type = property(event, 'type');
  const object = property(event, 'object');
  const kind = KINDS.get(type);
  if (kind !== undefined) return { kind, object };
  const version = asString(property(property(object, 'metadata'), 'resourceVersion'));
  if (type === 'BOOKMARK' && version) return { kind: 'bookmark', version };
  if (type !== 'ERROR') throw garbled('a line of a watch is not an event');
  const code = property(object, 'code');
  return { kind: 'error', status: typeof code === 'number' ? code : 500, body: object };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw garbled('a line of a watch is not JSON');
  }
}

function garbled(message: string): TandemError {
  return new TandemError('TANDEM_KUBERNETES_GARBLED', message);
}
