/** Reads the body of one request, within its size, its time, and what all bodies together may hold. */
import type { IncomingMessage } from 'node:http';
import type { RefusalReason } from '../admission/refusals.ts';
import type { ByteBudget, Hold } from './byte-budget.ts';

type BodyLimits = {
  /** Bytes of one body. */
  readonly size: number;
  /** Milliseconds from the headers to the last byte. */
  readonly patience: number;
  readonly budget: ByteBudget;
};

export type Body = { bytes: Buffer; readonly hold: Hold };

type BodyOutcome =
  | { readonly kind: 'body'; readonly body: Body }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

export const NOTHING = Buffer.alloc(0);
const FIRST_CAPACITY = 4096;

/**
 * Calls back once; not at all when the client goes away before. Pieces are copied at once: a piece of a single byte
 * would keep hundreds alive.
 */
export function readBody(
  request: IncomingMessage,
  { size, patience, budget }: BodyLimits,
  done: (outcome: BodyOutcome) => void,
): void {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > size) {
    done({ kind: 'refused', reason: 'body-too-large' });
    return;
  }
  let bytes: Buffer = NOTHING;
  let length = 0;
  const hold = budget.hold(declared, (reason) => refuse(reason));
  const timer = setTimeout(() => refuse('slow-body'), patience);
  const leave = (): void => {
    clearTimeout(timer);
    request.off('data', take).off('end', end).off('close', gone);
  };
  const refuse = (reason: RefusalReason): void => {
    leave();
    hold.release();
    done({ kind: 'refused', reason });
  };
  const take = (chunk: Buffer): void => {
    const next = length + chunk.length;
    if (next > size) {
      refuse('body-too-large');
      return;
    }
    if (chunk.length === declared) bytes = chunk;
    else append(chunk, next);
    length = next;
    hold.set(length);
  };
  const append = (chunk: Buffer, next: number): void => {
    if (next > bytes.length) {
      const capacity = Math.max(FIRST_CAPACITY, 2 * bytes.length);
      const larger = Buffer.allocUnsafe(Math.max(next, Math.min(capacity, declared || size)));
      bytes.copy(larger, 0, 0, length);
      bytes = larger;
    }
    chunk.copy(bytes, length);
  };
  const end = (): void => {
    leave();
    done({ kind: 'body', body: { bytes: bytes.subarray(0, length), hold } });
  };
  const gone = (): void => {
    leave();
    hold.release();
  };
  request.on('data', take).on('end', end).on('close', gone);
}
