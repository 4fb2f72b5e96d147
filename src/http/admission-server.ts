/** The admission endpoint over TLS. It does not listen by itself, and does no I/O for an admission. */
import { performance } from 'node:perf_hooks';
import type { SecureContextOptions } from 'node:tls';
import { fastify, type FastifyError, type FastifyReply } from 'fastify';
import { admissionQueue, type AdmissionQueueDependencies } from './admission-queue.ts';
import type { AdmissionRequest } from '../admission/admission-review.ts';
import type { EntryAdmission } from '../admission/admit-entry.ts';
import type { PodAdmission } from '../admission/admit-pod.ts';
import type { InjectRequest } from '../inject/decide.ts';
import { omitVariables } from '../inject/omit-variables.ts';
import { takesLongToInject } from '../inject/variables.ts';
import type { NamespaceDefaults } from '../inject/settings.ts';
import { badRequest, type Engine } from './answer-admission.ts';
import { byteBudget } from './byte-budget.ts';
import { readBody } from './read-body.ts';
import {
  BODY_LIMIT,
  isRefusal,
  MOST_ENTRY_VALUES,
  MOST_VALUES,
  PATIENCE,
  refusal,
  turnAway,
} from './refusal.ts';

export type AdmissionDependencies = AdmissionQueueDependencies & {
  /** @param defaults those of the namespace of this request */
  readonly inject: (request: InjectRequest, defaults: NamespaceDefaults) => PodAdmission;
  /** Undefined if config entries are not checked. */
  readonly admitEntry?: ((request: AdmissionRequest) => EntryAdmission) | undefined;
  readonly tls: SecureContextOptions;
  readonly isReady: () => boolean;
};

// Four of the largest bodies and many of the usual 10 kB, and a quarter of the room that the deployment has beside the heap.
const BUDGET = 32 * 1024 * 1024;

// The API server's client keeps idle connections for 90 s (net/http, DefaultTransport.IdleConnTimeout). If the server
// closes first, an admission that is just being sent is lost.
const KEEP_ALIVE = 100_000;

// No webhook may take longer (admissionregistration, timeoutSeconds: 1 to 30); a client that needs more has gone away.
export const REQUEST_TIMEOUT = 30_000;

// The interval of Node's check for it; Node's default of half a minute would double the time.
const TIMEOUT_CHECK = 5_000;

// As long as the API server's client waits for its side of a handshake (net/http, DefaultTransport.TLSHandshakeTimeout).
const HANDSHAKE_TIMEOUT = 10_000;

const MUTATE = '/mutate';
const VALIDATE_ENTRY = '/validate/config-entries';
// A webhook configuration cannot hold a query (k8s.io/apiserver, pkg/util/webhook/validation.go).
const INJECTION = [
  ['', undefined],
  ['/default-on', true],
] as const;
const REDIRECTION = [
  ['', undefined],
  ['/transparent-proxy-on', true],
  ['/transparent-proxy-off', false],
] as const;

/** What the labels of a namespace say, by path. */
const PATHS: ReadonlyMap<string, NamespaceDefaults> = new Map(
  INJECTION.flatMap(([first, inject]) =>
    REDIRECTION.map(([second, transparentProxy]) => [
      `${MUTATE}${first}${second}`,
      { inject, transparentProxy },
    ]),
  ),
);
/** For people who post to it by hand. */
const BY_QUERY: ReadonlyMap<unknown, NamespaceDefaults> = new Map([
  ['on', { inject: true, transparentProxy: undefined }],
  ['off', { inject: false, transparentProxy: undefined }],
]);

export function admissionServer(dependencies: AdmissionDependencies) {
  const { inject, admitEntry, onAdmission, onRefusal, newErrorId, isReady, isDraining } = dependencies;
  const budget = byteBudget(BUDGET, () => performance.now());
  const enqueue = admissionQueue(dependencies);
  const injecting = (defaults: NamespaceDefaults): Engine => ({
    decide: (request) => inject(request, defaults),
    shorten: omitVariables,
    passesOnBug: false,
    // Few pods have more, and what a smaller one costs besides what its containers get is a few milliseconds.
    smallBytes: 64 * 1024,
    takesLong: ({ object }) => takesLongToInject(object),
    mostValues: MOST_VALUES,
  });
  const engines = new Map([...PATHS].map(([path, defaults]) => [path, injecting(defaults)]));
  if (admitEntry !== undefined)
    engines.set(VALIDATE_ENTRY, {
      decide: admitEntry,
      passesOnBug: true,
      // The worst bodies of that size take as long as a pod of four times that.
      smallBytes: 16 * 1024,
      takesLong: () => false,
      mostValues: MOST_ENTRY_VALUES,
    });
  const byQuery = new Map<unknown, Engine>(
    [...BY_QUERY].map(([word, defaults]) => [word, injecting(defaults)]),
  );
  const server = tlsServer(dependencies.tls);
  // The text goes to the decoder as it is: a key such as __proto__ is data there.
  server.addContentTypeParser('application/json', (request, _payload, done) => {
    readBody(request.raw, { size: BODY_LIMIT, patience: PATIENCE, budget }, (outcome) => {
      if (outcome.kind === 'body') done(null, outcome.body);
      else done(refusal(outcome.reason));
    });
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (isDraining()) reply.header('connection', 'close');
    done(null, payload);
  });
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    const { statusCode = 500 } = error;
    if (isRefusal(error)) {
      turnAway(reply, error);
      onRefusal(error.reason);
    } else if (statusCode < 500) refuse(reply, statusCode, describe(error));
    else fail(reply, error);
  });
  server.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?');
    if (engines.has(path)) refuse(reply.header('allow', 'POST'), 405, 'the method is not POST');
    else reply.code(404).type('text/plain').send('not found; POST /mutate\n');
  });

  for (const [path, ofPath] of engines)
    server.post(path, (request, reply) => {
      const word = path === MUTATE ? (request.query as { readonly default?: unknown }).default : undefined;
      const engine = word === undefined ? ofPath : byQuery.get(word);
      if (engine === undefined) refuse(reply, 400, 'default is neither on nor off');
      else enqueue(request, reply, engine);
    });
  server.get('/health/ready', (_request, reply) => reply.code(isReady() ? 204 : 503).send());
  return server;

  function refuse(reply: FastifyReply, status: number, why: string): void {
    const { type, body, outcome } = badRequest(status, why);
    reply.code(status).type(type).send(body);
    onAdmission({ ...outcome, seconds: reply.elapsedTime / 1000 });
  }

  /** A bug outside the engine: the uid is unknown, so the answer cannot be an AdmissionReview. */
  function fail(reply: FastifyReply, error: unknown): void {
    const errorId = newErrorId();
    reply.code(500).type('text/plain').send(`internal error ${errorId}; the log has the details\n`);
    const seconds = reply.elapsedTime / 1000;
    onAdmission({ result: 'error', reason: 'internal', seconds, errorId, error });
  }
}

function tlsServer(tls: SecureContextOptions) {
  const server = fastify({
    https: {
      ...tls,
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
  return server;
}

function describe(error: FastifyError): string {
  if (error.statusCode === 415) return 'the content type is not application/json';
  return error.message;
}
