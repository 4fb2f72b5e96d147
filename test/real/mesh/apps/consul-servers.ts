/**
 * How the stand-in of consul-dataplane reaches the servers, as pkg/consuldp/config.go does at v1.6.9, and discovery/watcher.go
 * in github.com/hashicorp/consul-server-connection-manager: a file that it cannot read ends it; servers that do not answer,
 * have another certificate or refuse the login are asked again for ever; a token that it got is given back at the end.
 */
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { fatal, notPlayed } from './ends.ts';
import type { GoFlags } from './go-flags.ts';

export type Access = {
  readonly host: string;
  readonly port: number;
  /** HTTP or HTTPS of the same servers; the program itself needs neither. */
  readonly http: string;
  /** Without TLS there is none. */
  readonly ca: { readonly path: string; readonly content: string } | undefined;
  /** The name in the certificate; empty: the address. */
  readonly serverName: string;
  readonly login: Login | undefined;
};

type Login = {
  readonly AuthMethod: string;
  readonly BearerToken: string;
  readonly Meta: Readonly<Record<string, string>>;
};

export type Connection = {
  /** Empty without a login. */
  readonly token: string;
  /** JSON of an answer; a server that gives none is asked again. */
  readonly call: (method: string, path: string) => Promise<unknown>;
  readonly logout: () => Promise<void>;
};

export function accessOf(flags: GoFlags): Access {
  const host = flags.text('addresses');
  const ca = caOf(flags);
  const wantsLogin = flags.text('credential-type') === 'login';
  if (wantsLogin && flags.text('login-bearer-token-path') === '')
    fatal('bearer token (or path to a file containing a bearer token) is required for login');
  return {
    host,
    port: flags.number('grpc-port', 8502),
    http:
      process.env['CONSUL_HTTP_ADDR'] ??
      // Where there is TLS, plain HTTP may listen on the loopback of a server only.
      (ca === undefined ? `http://${host}:8500` : `https://${host}:8501`),
    ca,
    serverName: flags.text('tls-server-name'),
    login: loginOf(flags),
  };
}

function caOf(flags: GoFlags): Access['ca'] {
  if (flags.has('tls-disabled')) return undefined;
  const path = flags.text('ca-certs');
  if (path === '') notPlayed('TLS with the roots of the system');
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) notPlayed('a folder of -ca-certs');
  const content = contentOf(path, 'failed to read CA certs');
  if (!content.includes('BEGIN CERTIFICATE')) fatal('failed to configure CA certs: Error loading CA File');
  return { path, content };
}

function loginOf(flags: GoFlags): Login | undefined {
  const type = flags.text('credential-type');
  if (type === '') return undefined;
  if (type === 'static') notPlayed('-credential-type=static');
  if (type !== 'login') fatal(`unknown credential type: ${type}`);
  return {
    AuthMethod: flags.text('login-auth-method'),
    BearerToken: contentOf(flags.text('login-bearer-token-path'), 'failed to read bearer token from file'),
    Meta: flags.pairs('login-meta'),
  };
}

function contentOf(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return fatal(`${otherwise}: ${String(error)}`);
  }
}

export async function connectToServers(access: Access): Promise<Connection> {
  const token = await again(async () => {
    await shakeHands(access);
    return access.login === undefined ? '' : login(access, access.login);
  });
  const call = (method: string, path: string): Promise<unknown> =>
    again(() => ask(access, token, method, path));
  return {
    token,
    call,
    logout: async () => {
      if (token !== '') await send(access, token, 'POST', '/v1/acl/logout').catch(() => undefined);
    },
  };
}

async function shakeHands({ ca, host, port, serverName }: Access): Promise<void> {
  const name = serverName === '' ? {} : { servername: serverName };
  const [socket, event] =
    ca === undefined
      ? [connect(port, host), 'connect']
      : [connectTls({ host, port, ca: ca.content, ...name }), 'secureConnect'];
  await once(socket, event).finally(() => socket.destroy());
}

async function login(access: Access, asked: Login): Promise<string> {
  const answer = await ask(access, '', 'POST', '/v1/acl/login', asked).catch((error: unknown) => {
    throw new Error(`ACL auth method login failed: ${String(error)}`, { cause: error });
  });
  return (answer as { readonly SecretID: string }).SecretID;
}

async function ask(
  access: Access,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { status, answer } = await send(access, token, method, path, body);
  if (status !== 200) throw new Error(`${status} ${answer}`);
  return JSON.parse(answer);
}

async function send(
  { http, ca, serverName }: Access,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number | undefined; readonly answer: string }> {
  const url = new URL(path, http);
  const headers = token === '' ? {} : { 'x-consul-token': token };
  const name = serverName === '' ? {} : { servername: serverName };
  const call =
    url.protocol === 'https:'
      ? requestTls(url, { method, headers, ca: ca?.content, agent: false, ...name })
      : request(url, { method, headers, agent: false });
  call.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return { status: response.statusCode, answer: await text(response) };
}

async function again<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      process.stderr.write(`connection error: ${String(error)}\n`);
    }
    await delay(1000);
  }
}
