/** The admission endpoint over TLS. It does not listen by itself, and does no I/O for an admission. */
import { performance } from 'node:perf_hooks';
import type { SecureContextOptions } from 'node:tls';
import { fastify, type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify';
import { answerAdmission, badRequest, type AdmissionOutcome, type Engine } from './answer-admission.ts';

export type AdmissionDependencies = Engine & {
  readonly tls: SecureContextOptions;
  readonly onAdmission: (outcome: AdmissionOutcome) => void;
  readonly isReady: () => boolean;
  /** True while the server prepares to stop: clients are asked to leave. */
  readonly isDraining: () => boolean;
};

// The API server takes objects of up to 3 MiB (k8s.io/apiserver, MaxRequestBodyBytes). A review can hold two of them, the
// object and the old object, and 1 MiB is left for options, user info and JSON escapes.
const BODY_LIMIT = (2 * 3 + 1) * 1024 * 1024;

// The API server's client keeps idle connections for 90 s (net/http, DefaultTransport.IdleConnTimeout). A server that
// closes first loses the admission that is just being sent.
const KEEP_ALIVE = 100_000;

// No webhook may take longer (admissionregistration, timeoutSeconds: 1 to 30); a client that needs more has gone away.
export const REQUEST_TIMEOUT = 30_000;

// How late that is noticed; Node's own half a minute would double it.
const TIMEOUT_CHECK = 5_000;

// As long as the API server's client waits for its side of a handshake (net/http, DefaultTransport.TLSHandshakeTimeout).
const HANDSHAKE_TIMEOUT = 10_000;

// An API server has at most 200 changes in flight (kube-apiserver, --max-mutating-requests-inflight), so this is five of
// them. An idle connection holds about 85 kB, so a thousand strangers cannot fill the 256 MiB of the deployment.
const MAX_CONNECTIONS = 1000;

const MUTATE = '/mutate';
// A webhook configuration cannot hold a query (k8s.io/apiserver, pkg/util/webhook/validation.go).
const MUTATE_DEFAULT_ON = '/mutate/default-on';

export function admissionServer(dependencies: AdmissionDependencies) {
  let pending: Pending[] = [];
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
  server.server.maxConnections = MAX_CONNECTIONS;
  server.removeAllContentTypeParsers();
  // The text goes to the decoder as it is: a key such as __proto__ is data there.
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (dependencies.isDraining()) reply.header('connection', 'close');
    done(null, payload);
  });
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    const { statusCode = 500 } = error;
    if (statusCode < 500) refuse(reply, statusCode, describe(error));
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

  // The requests of one turn of the event loop are answered together: decided one after the other, then sent, then
  // reported. Between the system calls of two answers the engine's code leaves the caches of the processor, and under
  // load an admission takes half as long again (test/bench).
  function enqueue(request: FastifyRequest, reply: FastifyReply, defaultInject: boolean | undefined): void {
    if (pending.length === 0) setImmediate(answerPending);
    pending.push({
      text: request.body as string | undefined,
      reply,
      defaultInject,
      start: performance.now(),
    });
  }

  function answerPending(): void {
    const batch = pending;
    pending = [];
    const answers = batch.map(({ text, defaultInject }) =>
      answerAdmission(text, defaultInject, dependencies),
    );
    const bodies = answers.map(({ body }) => Buffer.from(body));
    for (const [index, { status, type }] of answers.entries()) {
      batch[index]?.reply.code(status).type(type).send(bodies[index]);
    }
    const end = performance.now();
    for (const [index, { outcome }] of answers.entries()) {
      dependencies.onAdmission({ ...outcome, seconds: (end - (batch[index]?.start ?? end)) / 1000 });
    }
  }
}

type Pending = {
  readonly text: string | undefined;
  readonly reply: FastifyReply;
  readonly defaultInject: boolean | undefined;
  readonly start: number;
};

function describe(error: FastifyError): string {
  if (error.statusCode === 413) return `the body is larger than ${BODY_LIMIT} bytes`;
  if (error.statusCode === 415) return 'the content type is not application/json';
  return error.message;
}
