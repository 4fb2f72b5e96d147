/** A plain client of the Kubernetes API for tests: what goes out and what comes back, and nothing in between. */
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';

export type Credentials =
  { readonly certificate: string; readonly key: string } | { readonly token: string } | undefined;

export type KubernetesObject = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
};

export type Answer = {
  readonly status: number;
  /** The object, the list, or the Status; a string when it is no JSON. */
  readonly body: unknown;
  readonly warnings: readonly string[];
};

export type ApiClient = {
  readonly request: (method: string, path: string, body?: unknown, type?: string) => Promise<Answer>;
  /** As `request`; throws with the answer when it is none of 2xx. */
  readonly expect: (method: string, path: string, body?: unknown, type?: string) => Promise<KubernetesObject>;
  readonly close: () => void;
};

export const MERGE_PATCH = 'application/merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';

/** @param signal ends every request when it is aborted; a server that has lost its address would never answer */
export function apiClient(
  server: string,
  ca: string,
  credentials: Credentials,
  signal?: AbortSignal,
): ApiClient {
  const agent = new Agent({
    keepAlive: true,
    ca,
    ...(credentials !== undefined && 'certificate' in credentials
      ? { cert: credentials.certificate, key: credentials.key }
      : {}),
  });
  const authorization =
    credentials !== undefined && 'token' in credentials
      ? { authorization: `Bearer ${credentials.token}` }
      : {};

  async function send(
    method: string,
    path: string,
    body?: unknown,
    type = 'application/json',
  ): Promise<Answer> {
    const outgoing = request(new URL(path, server), {
      agent,
      method,
      signal,
      headers: { accept: 'application/json', 'content-type': type, ...authorization },
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const content = await text(incoming);
    return {
      status: incoming.statusCode ?? 0,
      body: parsed(content),
      warnings: [incoming.headers['warning'] ?? []].flat(),
    };
  }

  return {
    request: send,
    expect: async (method, path, body, type) => {
      const answer = await send(method, path, body, type);
      if (answer.status >= 200 && answer.status < 300) return answer.body as KubernetesObject;
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    },
    close: () => agent.destroy(),
  };
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return content;
  }
}
