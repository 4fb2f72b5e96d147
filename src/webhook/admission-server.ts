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
const REQUEST_TIMEOUT = 30_000;

const OTHER_METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export function admissionServer(dependencies: AdmissionDependencies) {
  let pending: Pending[] = [];
  const server = fastify({
    https: { ...dependencies.tls, minVersion: 'TLSv1.2' },
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
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (dependencies.isDraining()) reply.header('connection', 'close');
    done(null, payload);
  });
  server.setErrorHandler((error: FastifyError, _request, reply) =>
    refuse(reply, error.statusCode ?? 500, describe(error)),
  );
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain').send('not found; POST /mutate\n'),
  );

  server.post('/mutate', (request, reply) => {
    const word = (request.query as { readonly default?: unknown }).default;
    if (word === undefined) enqueue(request, reply, undefined);
    else if (word === 'on' || word === 'off') enqueue(request, reply, word === 'on');
    else refuse(reply, 400, 'default is neither on nor off');
  });
  // A webhook configuration cannot hold a query (k8s.io/apiserver, pkg/util/webhook/validation.go).
  server.post('/mutate/default-on', (request, reply) => enqueue(request, reply, true));
  server.route({
    method: OTHER_METHODS,
    url: '/mutate',
    handler: (_request, reply) => refuse(reply.header('allow', 'POST'), 405, 'the method is not POST'),
  });
  server.get('/health/ready', (_request, reply) => reply.code(dependencies.isReady() ? 204 : 503).send());
  return server;

  function refuse(reply: FastifyReply, status: number, why: string): void {
    const { type, body, outcome } = badRequest(status, why);
    reply.code(status).type(type).send(body);
    dependencies.onAdmission({ ...outcome, seconds: reply.elapsedTime / 1000 });
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
  return error.statusCode === undefined || error.statusCode >= 500 ? 'internal error' : error.message;
}
