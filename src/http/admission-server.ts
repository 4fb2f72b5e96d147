/** The admission endpoint over TLS. It does not listen by itself, and does no I/O for an admission. */
import { performance } from 'node:perf_hooks';
import type { SecureContextOptions } from 'node:tls';
import { fastify, type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify';
import { hasMoreValues } from '../admission/json-values.ts';
import type { RefusalReason } from '../admission/refusals.ts';
import { answerAdmission, badRequest, type AdmissionOutcome, type Engine } from './answer-admission.ts';
import { byteBudget } from './byte-budget.ts';
import { readBody, type Body } from './read-body.ts';
import { turnQueue } from './turn-queue.ts';

export type AdmissionDependencies = Engine & {
  readonly tls: SecureContextOptions;
  readonly onAdmission: (outcome: AdmissionOutcome) => void;
  readonly onRefusal: (reason: RefusalReason) => void;
  readonly isReady: () => boolean;
  /** True while the server prepares to stop: clients are asked to leave. */
  readonly isDraining: () => boolean;
};

// The API server takes objects of up to 3 MiB (k8s.io/apiserver, MaxRequestBodyBytes). A review can hold two of them, the
// object and the old object, and 1 MiB is left for options, user info and JSON escapes.
const BODY_LIMIT = (2 * 3 + 1) * 1024 * 1024;

// Four of the largest bodies and many of the usual 10 kB, and a quarter of the room that the deployment has beside the heap.
const BUDGET = 32 * 1024 * 1024;

// Milliseconds for a body to arrive, and for an answer to be taken. An API server needs a few.
const PATIENCE = 5000;

// etcd takes objects of 1.5 MiB (--max-request-bytes), and a value with its key has five bytes at least: what is above this
// can never be stored. Parsing this many takes a fifth of a second and 30 MiB.
const MOST_VALUES = 300_000;

// No ordinary pod has more, and nothing that is smaller takes long.
const LARGE = 64 * 1024;

// The API server's client keeps idle connections for 90 s (net/http, DefaultTransport.IdleConnTimeout). A server that
// closes first loses the admission that is just being sent.
const KEEP_ALIVE = 100_000;

// No webhook may take longer (admissionregistration, timeoutSeconds: 1 to 30); a client that needs more has gone away.
export const REQUEST_TIMEOUT = 30_000;

// How late that is noticed; Node's own half a minute would double it.
const TIMEOUT_CHECK = 5_000;

// As long as the API server's client waits for its side of a handshake (net/http, DefaultTransport.TLSHandshakeTimeout).
const HANDSHAKE_TIMEOUT = 10_000;

const MUTATE = '/mutate';
// A webhook configuration cannot hold a query (k8s.io/apiserver, pkg/util/webhook/validation.go).
const MUTATE_DEFAULT_ON = '/mutate/default-on';

export function admissionServer(dependencies: AdmissionDependencies) {
  const budget = byteBudget(BUDGET, () => performance.now());
  // The requests of one turn of the event loop are answered together: decided one after the other, then sent, then
  // reported. Between the system calls of two answers the engine's code leaves the caches of the processor, and under
  // load an admission takes half as long again (test/bench).
  const queue = turnQueue<Pending>(
    ({ body }) => body !== undefined && body.bytes.length > LARGE,
    answerBatch,
  );
  const server = fastify({
    https: {
      ...dependencies.tls,
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_TIMEOUT,
      connectionsCheckingInterval: TIMEOUT_CHECK,
      // Node swaps the two when the headers may take longer, and a request then gets their 60 s.
      headersTimeout: REQUEST_TIMEOUT,
    },
    bodyLimit: BODY_LIMIT,
    keepAliveTimeout: KEEP_ALIVE,
    requestTimeout: REQUEST_TIMEOUT,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    logger: false,
    exposeHeadRoutes: false,
  });
  server.removeAllContentTypeParsers();
  // The text goes to the decoder as it is: a key such as __proto__ is data there.
  server.addContentTypeParser('application/json', (request, _payload, done) => {
    readBody(request.raw, { size: BODY_LIMIT, patience: PATIENCE, budget }, (outcome) => {
      if (outcome.kind === 'body') done(null, outcome.body);
      else done(refusal(outcome.reason));
    });
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (dependencies.isDraining()) reply.header('connection', 'close');
    done(null, payload);
  });
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    const { statusCode = 500 } = error;
    if (isRefusal(error)) turnAway(reply, error);
    else if (statusCode < 500) refuse(reply, statusCode, describe(error));
    else fail(reply, error);
  });
  server.setNotFoundHandler((request, reply) => {
    const [path] = request.url.split('?');
    if (path === MUTATE || path === MUTATE_DEFAULT_ON)
      refuse(reply.header('allow', 'POST'), 405, 'the method is not POST');
    else reply.code(404).type('text/plain').send('not found; POST /mutate\n');
  });

  server.post(MUTATE, (request, reply) => {
    const word = (request.query as { readonly default?: unknown }).default;
    if (word === undefined) enqueue(request, reply, undefined);
    else if (word === 'on' || word === 'off') enqueue(request, reply, word === 'on');
    else refuse(reply, 400, 'default is neither on nor off');
  });
  server.post(MUTATE_DEFAULT_ON, (request, reply) => enqueue(request, reply, true));
  server.get('/health/ready', (_request, reply) => reply.code(dependencies.isReady() ? 204 : 503).send());
  return server;

  function refuse(reply: FastifyReply, status: number, why: string): void {
    const { type, body, outcome } = badRequest(status, why);
    reply.code(status).type(type).send(body);
    dependencies.onAdmission({ ...outcome, seconds: reply.elapsedTime / 1000 });
  }

  /** A bug outside of the engine: no uid is at hand, so the answer cannot be an AdmissionReview. */
  function fail(reply: FastifyReply, error: unknown): void {
    const errorId = dependencies.newErrorId();
    reply.code(500).type('text/plain').send(`internal error ${errorId}; the log has the details\n`);
    const seconds = reply.elapsedTime / 1000;
    dependencies.onAdmission({ result: 'error', reason: 'internal', seconds, errorId, error });
  }

  function turnAway(reply: FastifyReply, { statusCode, reason, message }: Refusal): void {
    // What is still to come of the body is not waited for.
    reply.code(statusCode).header('connection', 'close').type('text/plain');
    // The client of the API server tries again by itself when it is told how many seconds to wait (client-go, rest.withRetry).
    if (statusCode === 503) reply.header('retry-after', '1');
    reply.send(`${message}\n`);
    dependencies.onRefusal(reason);
  }

  function enqueue(request: FastifyRequest, reply: FastifyReply, defaultInject: boolean | undefined): void {
    const body = request.body as Body | undefined;
    const waiting: Pending = { body, reply, defaultInject, start: performance.now(), isRefused: false };
    if (body !== undefined) {
      body.hold.refuse = (reason) => {
        waiting.isRefused = true;
        turnAway(reply, refusal(reason));
      };
      reply.raw.once('close', body.hold.release);
    }
    queue(waiting);
  }

  function answerBatch(all: readonly Pending[]): void {
    const batch = all.filter(({ isRefused, reply }) => !isRefused && !reply.raw.destroyed);
    const answers = batch.map((each) => answer(each));
    const bodies = answers.map(({ body }) => Buffer.from(body));
    for (const [index, { status, type }] of answers.entries()) {
      const { reply, body } = batch[index] as Pending;
      const bytes = bodies[index] as Buffer;
      reply.code(status).type(type).send(bytes);
      if (!reply.raw.writableFinished) untilTaken(reply, body, bytes.length);
    }
    const end = performance.now();
    for (const [index, { outcome }] of answers.entries()) {
      dependencies.onAdmission({ ...outcome, seconds: (end - (batch[index]?.start ?? end)) / 1000 });
    }
  }

  function answer({ body, defaultInject }: Pending) {
    const bytes = body?.bytes;
    if (bytes !== undefined && bytes.length > LARGE && hasMoreValues(bytes, MOST_VALUES)) {
      dependencies.onRefusal('too-many-values');
      return badRequest(413, refusal('too-many-values').message);
    }
    return answerAdmission(bytes?.toString(), defaultInject, dependencies);
  }

  /** An answer is held until the client has taken it, and that cannot be put off. */
  function untilTaken(reply: FastifyReply, body: Body | undefined, bytes: number): void {
    const { raw } = reply;
    const cut = (reason: RefusalReason): void => {
      dependencies.onRefusal(reason);
      raw.destroy();
    };
    const timer = setTimeout(() => cut('slow-answer'), PATIENCE);
    raw.once('close', () => clearTimeout(timer));
    if (body === undefined) return;
    body.hold.refuse = cut;
    body.hold.set(bytes);
  }
}

type Pending = {
  readonly body: Body | undefined;
  readonly reply: FastifyReply;
  readonly defaultInject: boolean | undefined;
  readonly start: number;
  isRefused: boolean;
};

type Refusal = Error & { readonly statusCode: number; readonly reason: RefusalReason };

const refusals: Partial<Record<RefusalReason, readonly [statusCode: number, message: string]>> = {
  'body-budget': [503, 'too many bytes of requests are in flight; try again'],
  'slow-body': [408, `the body did not arrive within ${PATIENCE / 1000} s`],
  'body-too-large': [413, `the body is larger than ${BODY_LIMIT} bytes`],
  'too-many-values': [413, `the body has more than ${MOST_VALUES} values`],
};

function refusal(reason: RefusalReason): Refusal {
  const [statusCode, message] = refusals[reason] ?? [503, reason];
  return Object.assign(new Error(message), { statusCode, reason });
}

function isRefusal(error: Error): error is Refusal {
  return 'reason' in error;
}

function describe(error: FastifyError): string {
  if (error.statusCode === 415) return 'the content type is not application/json';
  return error.message;
}
