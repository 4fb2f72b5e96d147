/** A webhook on loopback with free ports, and a client that speaks to it over real TLS. */
import { request as httpsRequest, type Agent, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import type { RefusalReason } from '../../../src/admission/refusals.ts';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import type { KeyPair } from '../../../src/certificates/key-pair.ts';
import { injectFlags, injectSettings, withDefaults } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { admitPod } from '../../../src/admission/admit-pod.ts';
import type { AdmissionOutcome } from '../../../src/http/answer-admission.ts';
import { webhook, type Webhook, type WebhookDependencies } from '../../../src/http/webhook.ts';

export type Answer = {
  readonly status: number;
  readonly body: string;
  readonly headers: NodeJS.Dict<string | string[]>;
};

export type RunningWebhook = {
  readonly server: Webhook;
  readonly port: number;
  readonly statusPort: number;
  readonly ca: KeyPair;
  readonly outcomes: AdmissionOutcome[];
  readonly refusals: RefusalReason[];
  /** Serves this pair from the next connection on. */
  readonly exchange: (pair: KeyPair) => void;
  readonly send: (options: RequestOptions, body?: string | Buffer) => Promise<Answer>;
  readonly review: (review: object, agent?: Agent) => Promise<Answer>;
  readonly stop: () => Promise<void>;
};

const HOST = '127.0.0.1';

export async function startWebhook(
  overrides: Partial<WebhookDependencies> = {},
  host = HOST,
): Promise<RunningWebhook> {
  const ca = await generateCa(Date.now());
  let pair = generateServing(ca, [HOST], Date.now());
  const outcomes: AdmissionOutcome[] = [];
  const refusals: RefusalReason[] = [];
  const parsed = parseFlags(injectFlags, [], {});
  const settings = injectSettings(parsed.values, {
    version: '0.0.0',
    nativeSidecar: true,
    preStopSleep: true,
    ownNamespace: 'tandem',
  });
  const server = webhook({
    inject: (request, defaults) => admitPod(request, withDefaults(settings, defaults)),
    onAdmission: (outcome) => outcomes.push(outcome),
    onRefusal: (reason) => refusals.push(reason),
    newErrorId: () => 'error-1',
    title: 'Tandem webhook',
    version: '0.0.0',
    status: () => ({ process: undefined, controllers: [], webhook: undefined }),
    onStatusChange: () => () => undefined,
    metrics: async () => '',
    metricsType: 'text/plain',
    certificate: () => pair,
    certificateProblem: () => undefined,
    ...overrides,
  });
  const addresses = await server.listen({ host, port: 0 }, { host, port: 0 });
  const [port, statusPort] = [addresses.tls, addresses.status].map((address) =>
    Number(address.split(':').at(-1)),
  );
  const send = (options: RequestOptions, body?: string | Buffer): Promise<Answer> =>
    call({ host: HOST, port, ca: ca.certificate, method: 'POST', path: '/mutate', ...options }, body);
  return {
    server,
    port: port ?? 0,
    statusPort: statusPort ?? 0,
    ca,
    outcomes,
    refusals,
    exchange: (next) => {
      pair = next;
      server.renew();
    },
    send,
    review: (review, agent) =>
      send(
        { headers: { 'content-type': 'application/json' }, ...(agent === undefined ? {} : { agent }) },
        JSON.stringify(review),
      ),
    stop: () => server.stop(0),
  };
}

export function call(options: RequestOptions, body?: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(options, (response) => {
      text(response).then(
        (answer) => resolve({ status: response.statusCode ?? 0, body: answer, headers: response.headers }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** A review of a pod that asks for injection. */
export function podReview(
  overrides: Record<string, unknown> = {},
  apiVersion = 'admission.k8s.io/v1',
): Record<string, unknown> {
  return {
    apiVersion,
    kind: 'AdmissionReview',
    request: {
      uid: 'uid-1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      namespace: 'default',
      operation: 'CREATE',
      object: {
        metadata: { name: 'web', annotations: { 'consul.hashicorp.com/connect-inject': 'true' } },
        spec: { containers: [{ name: 'web', image: 'example/web:1' }] },
      },
      ...overrides,
    },
  };
}

export function responseOf(
  answer: Answer,
): Record<string, unknown> & { readonly status?: Record<string, unknown> } {
  return (JSON.parse(answer.body) as { response: Record<string, unknown> }).response;
}
