/** Admissions whose bodies have arrived, answered in batches. */
import type { ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { namespaceIn } from '../admission/admission-review.ts';
import { hasMoreValues } from '../admission/json-values.ts';
import type { RefusalReason } from '../admission/refusals.ts';
import {
  answerAdmission,
  badRequest,
  type AdmissionAnswer,
  type AdmissionOutcome,
  type Engine,
} from './answer-admission.ts';
import { NOTHING, type Body } from './read-body.ts';
import { PATIENCE, refusal, turnAway } from './refusal.ts';
import { turnQueue } from './turn-queue.ts';

export type AdmissionQueueDependencies = {
  readonly newErrorId: () => string;
  readonly onAdmission: (outcome: AdmissionOutcome) => void;
  readonly onRefusal: (reason: RefusalReason) => void;
  /** True while the server prepares to stop: clients are asked to leave. */
  readonly isDraining: () => boolean;
};

type Enqueue = (request: FastifyRequest, reply: FastifyReply, engine: Engine) => void;

type Pending = {
  readonly body: Body | undefined;
  readonly reply: FastifyReply;
  readonly engine: Engine;
  readonly start: number;
  /** At first by its body alone. */
  isLarge: boolean;
  isRefused: boolean;
};

// Fifty usual answers. One of 150 upstreams in 60 containers has 3 MB, and needs five times that while it is made.
const TURN_BYTES = 512 * 1024;

// Several times what these take, so it ends only turns of requests that take much longer than their answers are long.
const TURN_MILLISECONDS = 20;

// Until a connection ends, Node's TLS keeps a buffer as large as its largest answer, outside the heap. Two hundred
// connections of API servers may keep 25 MB that way; a client that gets more than ten times a usual answer has to reconnect.
const KEPT_BYTES = 128 * 1024;

/**
 * The requests of one turn of the event loop, up to `TURN_BYTES` of answers, are answered together: decided one after the
 * other, then sent, then reported. Between the system calls of two answers, the engine's code would leave the processor's
 * caches, and under load an admission would take half as long again (test/bench). What takes long is answered after these, one by
 * one. A client chooses the namespaces that it writes, but not its address: addresses take turns, and then the namespaces of each.
 */
export function admissionQueue(dependencies: AdmissionQueueDependencies): Enqueue {
  const { onAdmission, onRefusal, newErrorId, isDraining } = dependencies;
  const queue = turnQueue<Pending>({
    isLarge: ({ isLarge }) => isLarge,
    askersOf: ({ body, reply, isLarge }) =>
      isLarge && body !== undefined ? [reply.request.ip, namespaceIn(body.bytes)] : [reply.request.ip],
    answer: answerBatch,
  });

  return (request, reply, engine) => {
    const body = request.body as Body | undefined;
    const isLarge = body !== undefined && body.bytes.length > engine.smallBytes;
    const waiting: Pending = { body, reply, engine, start: performance.now(), isLarge, isRefused: false };
    if (body !== undefined) untilAnswered(waiting, body, onRefusal);
    queue(waiting);
  };

  function answerBatch(all: Iterable<Pending>): void {
    const batch: Pending[] = [];
    const answers: AdmissionAnswer[] = [];
    const latest = performance.now() + TURN_MILLISECONDS;
    let bytes = 0;
    for (const pending of all) {
      const made = answer(pending);
      if (made !== undefined) {
        batch.push(pending);
        answers.push(made);
        bytes += made.bytes;
      }
      if (bytes > TURN_BYTES || performance.now() > latest) break;
    }
    for (const [index, each] of answers.entries()) send(batch[index] as Pending, each);
    const end = performance.now();
    for (const [index, { outcome }] of answers.entries()) {
      const { start, isRefused } = batch[index] as Pending;
      if (!isRefused) onAdmission({ ...outcome, seconds: (end - start) / 1000 });
    }
  }

  /** Without Fastify, which counts the bytes again and allocates three bytes a character: 6 % of the cost of a skipped pod. */
  function send(
    { reply, body, isRefused }: Pending,
    { status, type, body: text, bytes }: AdmissionAnswer,
  ): void {
    // There is no room for it beside an earlier answer.
    if (isRefused) return;
    const { raw } = reply.hijack();
    const head = { 'content-type': type, 'content-length': bytes };
    raw.writeHead(status, isDraining() || bytes > KEPT_BYTES ? { ...head, connection: 'close' } : head);
    // As one text it goes out together with its head. A text of only ASCII needs no room for longer characters.
    raw.end(text, bytes === text.length ? 'latin1' : 'utf8');
    if (!raw.writableFinished) untilTaken(raw, body, bytes, onRefusal);
  }

  /** Undefined for what nobody waits for any more, and for what turns out to be large. */
  function answer(pending: Pending): AdmissionAnswer | undefined {
    const { body, reply, engine, isLarge, isRefused } = pending;
    if (isRefused || reply.raw.destroyed) return undefined;
    if (body !== undefined && isLarge && hasMoreValues(body.bytes, engine.mostValues)) {
      onRefusal('too-many-values');
      return badRequest(413, `the body has more than ${engine.mostValues} values`);
    }
    const made = answerAdmission(body?.bytes.toString(), engine, newErrorId, isLarge);
    if (made === undefined) {
      // Not kept as it was read, which takes several times the room of its body.
      pending.isLarge = true;
      queue(pending);
    }
    return made;
  }
}

/** A body is kept as long as the budget counts it. */
function untilAnswered(
  waiting: Pending,
  body: Body,
  onRefusal: AdmissionQueueDependencies['onRefusal'],
): void {
  const { reply } = waiting;
  body.hold.refuse = (reason) => {
    waiting.isRefused = true;
    body.bytes = NOTHING;
    turnAway(reply, refusal(reason));
    onRefusal(reason);
  };
  reply.raw.once('close', () => {
    body.bytes = NOTHING;
    body.hold.release();
  });
}

/** An answer is held until the client has taken it, and that cannot be put off. */
function untilTaken(
  raw: ServerResponse,
  body: Body | undefined,
  bytes: number,
  onRefusal: AdmissionQueueDependencies['onRefusal'],
): void {
  const cut = (reason: RefusalReason): void => {
    onRefusal(reason);
    raw.destroy();
  };
  const timer = setTimeout(() => cut('slow-answer'), PATIENCE);
  raw.once('close', () => clearTimeout(timer));
  if (body === undefined) return;
  body.bytes = NOTHING;
  body.hold.refuse = cut;
  body.hold.set(bytes);
}
