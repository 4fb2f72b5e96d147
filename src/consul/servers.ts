/** Several Consul servers as one: a call goes to the server that answered last, and to another when that one fails. */
import type { RequestEndpoint } from '../model/consul-endpoints.ts';
import { reasonOf, TandemError } from '../support/errors.ts';
import { withoutSecret, type Secret } from '../support/secret.ts';
import { classify, innerText, type Failure } from './failure.ts';
import { createLiveness, PROBE } from './liveness.ts';
import { isCutOff, type Incoming, type Outgoing, type Transport } from './transport.ts';

export type RawAnswer = Extract<Incoming, { kind: 'answer' }>;

export type Call<T> = {
  readonly endpoint: RequestEndpoint;
  readonly method: Outgoing['method'];
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  readonly blocking?: boolean;
  /** Milliseconds for the answer of each server; 10 s unless told. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
  /** Statuses besides 200 that are answers to this call, not failures. */
  readonly accept?: readonly number[];
  /** A call that succeeded and lost its answer would fail when it is sent again, as a check-and-set does. */
  readonly once?: boolean;
  /** Other texts than the token that no message may repeat. */
  readonly conceals?: Secret;
  /** What it means that Consul rejects the request as invalid, given the reason; an error by default. */
  readonly refused?: (reason: string) => T;
  /** Throws, with the reason, if this call cannot have such an answer. */
  readonly read: (answer: RawAnswer) => T;
};

export type RequestReport = {
  readonly endpoint: RequestEndpoint;
  /** `none` when no answer came. */
  readonly status: number | 'none';
  readonly milliseconds: number;
};

export type Servers = {
  /** @throws TandemError TANDEM_CONSUL_…, or the reason of the signal */
  readonly call: <T>(call: Call<T>, token: Secret | undefined) => Promise<T>;
};

type Dependencies = {
  /** `http://host:port` or `https://host:port`; asked for each call, so that they may change. */
  readonly addresses: () => readonly string[];
  readonly transport: Transport;
  /** Goes with every call: `dc`, `ns`. */
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly onRequest: (report: RequestReport) => void;
  /** Called before each request that writes; a login of this process does not count as one. */
  readonly mayWrite: () => boolean;
};

// Consul answers within milliseconds; in an election it holds a call for up to 7 s (performance.rpc_hold_timeout) first.
const TIMEOUT = 10_000;
// The reason of a 403 has the accessor of the token and the missing right, some 200 characters.
const SHOWN_CHARACTERS = 400;

export function servers({ addresses, transport, query, onRequest, mayWrite }: Dependencies): Servers {
  const liveness = createLiveness(transport);
  let preferred: string | undefined;

  function inOrder(): readonly string[] {
    const all = addresses();
    const first = preferred === undefined ? -1 : all.indexOf(preferred);
    return first <= 0 ? all : [...all.slice(first), ...all.slice(0, first)];
  }

  async function attempt<T>(address: string, call: Call<T>, token: Secret | undefined): Promise<Attempt<T>> {
    if (isWrite(call) && !mayWrite())
      return failure(NOT_LEADING, `${call.method} ${call.path}: this replica no longer leads`);
    const started = performance.now();
    const outgoing = outgoingOf(call, query, token);
    // A blocking query is silent by its nature; another call tells when its server is gone.
    const incoming = await (call.blocking === true
      ? transport.send(address, outgoing)
      : liveness.send(address, outgoing));
    const status = incoming.kind === 'answer' ? incoming.status : 'none';
    onRequest({ endpoint: call.endpoint, status, milliseconds: performance.now() - started });
    return judge(address, call, incoming, token);
  }

  /** Every server closed the connection: it may have been idle for too long, or the request itself is to blame. */
  async function afterCutOff<T>(address: string, call: Call<T>, token: Secret | undefined): Promise<T> {
    const outcome = await attempt(address, call, token);
    if (outcome.kind === 'value') return outcome.value;
    const probe = outcome.isCutOff ? await transport.send(address, PROBE) : undefined;
    if (probe?.kind !== 'answer') throw outcome.error;
    throw new TandemError(
      'TANDEM_CONSUL_REFUSED',
      `${call.method} ${call.path} at ${address}: Consul closes the connection at this request, and answers others; its log says why`,
      outcome.error,
    );
  }

  return {
    call: async <T>(call: Call<T>, token: Secret | undefined): Promise<T> => {
      const order = inOrder();
      let cutOff = 0;
      let error = new TandemError('TANDEM_CONSUL_UNREACHABLE', 'no address of a Consul server is known');
      for (const [position, address] of order.entries()) {
        const outcome = await attempt(address, call, token);
        if (outcome.kind === 'value') {
          preferred = address;
          return outcome.value;
        }
        // A server that answers says more of what is wrong than one that does not.
        if (error.code === 'TANDEM_CONSUL_UNREACHABLE' || !outcome.elsewhere) error = outcome.error;
        if (outcome.elsewhere && order.length > 1) {
          // Only the first failure moves the others on; a call that started elsewhere does not move them back.
          if (preferred === undefined || preferred === address) preferred = order[position + 1] ?? order[0];
        }
        if (outcome.isCutOff) cutOff += 1;
        // Behind the one address of a load balancer there may be another server by now.
        else if (outcome.error.code === 'TANDEM_CONSUL_UNREACHABLE') transport.abandon(address);
        if (!outcome.elsewhere || !outcome.again) break;
      }
      const [first] = order;
      if (call.method !== 'GET' || first === undefined || cutOff < order.length) throw error;
      return afterCutOff(first, call, token);
    },
  };
}

const NOT_LEADING: Failure = { code: 'TANDEM_NOT_LEADING', elsewhere: false };

function isWrite({ method, endpoint }: Call<unknown>): boolean {
  return method !== 'GET' && endpoint !== 'login' && endpoint !== 'logout';
}

type Attempt<T> =
  | { readonly kind: 'value'; readonly value: T }
  | {
      readonly kind: 'failure';
      readonly error: TandemError;
      readonly elsewhere: boolean;
      /** The call may be sent again. */
      readonly again: boolean;
      readonly isCutOff: boolean;
    };

function judge<T>(address: string, call: Call<T>, incoming: Incoming, token: Secret | undefined): Attempt<T> {
  const where = `${call.method} ${call.path} at ${address}`;
  const clean = (text: string): string => withoutSecret(withoutSecret(text, token), call.conceals);
  if (incoming.kind === 'no-answer') {
    const again = call.once !== true || !incoming.sent;
    const error = new TandemError(
      'TANDEM_CONSUL_UNREACHABLE',
      `${where}: ${incoming.reason}`,
      incoming.cause,
    );
    return { kind: 'failure', error, elsewhere: true, again, isCutOff: isCutOff(incoming) };
  }
  if (incoming.status !== 200 && call.accept?.includes(incoming.status) !== true) {
    const text = clean(incoming.text.trim()).slice(0, SHOWN_CHARACTERS);
    const message = `${where}: status ${incoming.status}, ${JSON.stringify(text)}`;
    const found = classify(incoming.status, incoming.text);
    if (found.code === 'TANDEM_CONSUL_REFUSED' && call.refused !== undefined)
      return { kind: 'value', value: call.refused(clean(innerText(incoming.text))) };
    // A server that lost the leader on the way does not know either whether the call did its work.
    return failure(found, message, call.once !== true);
  }
  try {
    return { kind: 'value', value: call.read(incoming) };
  } catch (cause) {
    const reason = reasonOf(cause);
    return failure(
      { code: 'TANDEM_CONSUL_ANSWER_INVALID', elsewhere: true },
      `${where}: not an answer from Consul: ${clean(reason)}`,
      call.once !== true,
    );
  }
}

function failure({ code, elsewhere }: Failure, message: string, again = true): Attempt<never> {
  return { kind: 'failure', error: new TandemError(code, message), elsewhere, again, isCutOff: false };
}

function outgoingOf(
  call: Call<unknown>,
  common: Readonly<Record<string, string | undefined>>,
  token: Secret | undefined,
): Outgoing {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...common, ...call.query })) {
    if (value !== undefined) query.set(key, value);
  }
  return {
    method: call.method,
    path: query.size === 0 ? call.path : `${call.path}?${query.toString()}`,
    headers: {
      accept: 'application/json',
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { 'x-consul-token': token.reveal() }),
    },
    body: call.body,
    lane: call.blocking === true ? 'blocking' : 'plain',
    timeout: call.timeout ?? TIMEOUT,
    signal: call.signal,
  };
}
