/** The admission endpoint over TLS. It does not listen by itself, and does no I/O for an admission. */
import { performance } from 'node:perf_hooks';
import type { SecureContextOptions } from 'node:tls';
import { fastify, type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  allowed,
  decodeReview,
  denied,
  errored,
  patched,
  type AdmissionRequest,
} from '../admission/admission-review.ts';
import type { InjectRequest } from '../inject/inject.ts';
import type { InjectResult } from '../inject/result.ts';

/** One answered request, for log and metrics. Never holds the pod. */
export type AdmissionOutcome = {
  readonly result: 'injected' | 'allowed' | 'denied' | 'error' | 'bad-request';
  /** A skip reason, or `injected`, `invalid`, `internal`, `bad-request`. */
  readonly reason: string;
  readonly seconds: number;
  readonly uid?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** What was wrong: the problems, or the reason of a bad request. */
  readonly detail?: string;
  /** With `error` only: the id that the caller was given, and the error itself. */
  readonly errorId?: string;
  readonly error?: unknown;
};

export type AdmissionDependencies = {
  readonly tls: SecureContextOptions;
  /** @param defaultInject overrides the setting for this request */
  readonly inject: (request: InjectRequest, defaultInject: boolean | undefined) => InjectResult;
  readonly onAdmission: (outcome: AdmissionOutcome) => void;
  readonly isReady: () => boolean;
  /** True while the server prepares to stop: clients are asked to leave. */
  readonly isDraining: () => boolean;
  readonly newErrorId: () => string;
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
    if (word === undefined) return answer(request, reply, undefined);
    if (word === 'on' || word === 'off') return answer(request, reply, word === 'on');
    return refuse(reply, 400, 'default is neither on nor off');
  });
  // A webhook configuration cannot hold a query (k8s.io/apiserver, pkg/util/webhook/validation.go).
  server.post('/mutate/default-on', (request, reply) => answer(request, reply, true));
  server.route({
    method: OTHER_METHODS,
    url: '/mutate',
    handler: (_request, reply) => refuse(reply.header('allow', 'POST'), 405, 'the method is not POST'),
  });
  server.get('/health/ready', (_request, reply) => reply.code(dependencies.isReady() ? 204 : 503).send());
  return server;

  function refuse(reply: FastifyReply, code: number, why: string): FastifyReply {
    dependencies.onAdmission({
      result: 'bad-request',
      reason: 'bad-request',
      seconds: reply.elapsedTime / 1000,
      detail: why,
    });
    return reply.code(code).type('text/plain').send(`${why}\n`);
  }

  function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    defaultInject: boolean | undefined,
  ): FastifyReply {
    const start = performance.now();
    const decoded = decodeReview(request.body as string | undefined);
    if (!decoded.ok) return refuse(reply, 400, decoded.why);
    const { body, outcome } = admit(decoded.request, defaultInject);
    reply.type('application/json').send(Buffer.from(body));
    const { uid, namespace, name } = decoded.request;
    dependencies.onAdmission({
      ...outcome,
      seconds: (performance.now() - start) / 1000,
      uid,
      namespace,
      name,
    });
    return reply;
  }

  function admit(request: AdmissionRequest, defaultInject: boolean | undefined): Admitted {
    try {
      return admitted(request, dependencies.inject(request, defaultInject));
    } catch (error) {
      const errorId = dependencies.newErrorId();
      return {
        body: errored(request, errorId),
        outcome: { result: 'error', reason: 'internal', errorId, error },
      };
    }
  }
}

type Admitted = { readonly body: string; readonly outcome: Omit<AdmissionOutcome, 'seconds'> };

function admitted(request: AdmissionRequest, result: InjectResult): Admitted {
  switch (result.kind) {
    case 'skip':
      return {
        body: allowed(request, result.warnings),
        outcome: { result: 'allowed', reason: result.reason },
      };
    case 'invalid':
      return {
        body: denied(request, result.problems, result.warnings),
        // Names of annotations only: their texts are the user's, and may be long.
        outcome: {
          result: 'denied',
          reason: 'invalid',
          detail: [...new Set(result.problems.map(({ at }) => at))].join(' '),
        },
      };
    case 'inject':
      return {
        body: patched(request, result.patch, result.warnings),
        outcome: { result: 'injected', reason: 'injected' },
      };
  }
}

function describe(error: FastifyError): string {
  if (error.statusCode === 413) return `the body is larger than ${BODY_LIMIT} bytes`;
  if (error.statusCode === 415) return 'the content type is not application/json';
  return error.statusCode === undefined || error.statusCode >= 500 ? 'internal error' : error.message;
}
