/**
 * Calls to agents whose certificates the caller judges by what it trusts at this moment. Whoever calls names the token: during
 * a rotation there are two.
 */
import type { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { isSignedBy } from '../support/known-certificate.ts';
import type { Secret } from '../support/secret.ts';
import type { ConsulCalls } from './client.ts';
import { servers, type RawAnswer, type RequestReport } from './servers.ts';
import { createTransport } from './transport.ts';

/** Whose certificates are trusted. */
type Trust =
  /** Those that these CAs (PEM) signed, whatever their dates; the CAs are asked for at each connection. */
  | { readonly kind: 'own'; readonly trusted: () => readonly string[] }
  /** Those that any client trusts; undefined: by the CAs of Node. */
  | { readonly kind: 'usual'; readonly ca: (() => string) | undefined };

export type SecureCallsOptions = {
  readonly trust: Trust;
  readonly onRequest: (report: RequestReport) => void;
  readonly mayWrite: () => boolean;
};

/** An agent, or several servers of which one is to answer. */
export type ConsulPlace = {
  /** `https://host:port`; `http://` without TLS. */
  readonly addresses: readonly string[];
  /** Name that its certificate must carry; undefined: the host of the address. */
  readonly serverName: string | undefined;
};

type SecureCalls = {
  readonly at: (place: ConsulPlace, token: Secret | undefined) => ConsulCalls;
  /** Serial of the leaf that is served now. @throws Error when there is no handshake, or no trusted CA signed it */
  readonly servedSerial: (place: ConsulPlace) => Promise<string>;
  readonly close: () => Promise<void>;
};

const HANDSHAKE_MILLISECONDS = 3000;

export function secureCalls({ trust, onRequest, mayWrite }: SecureCallsOptions): SecureCalls {
  const trusted = trust.kind === 'own' ? trust.trusted : () => [];
  const transports = new Map<ConsulPlace['serverName'], ReturnType<typeof createTransport>>();
  const transportFor = (serverName: ConsulPlace['serverName']): ReturnType<typeof createTransport> => {
    const known = transports.get(serverName);
    if (known !== undefined) return known;
    const judge = (certificate: X509Certificate | undefined): string | undefined =>
      problemOf(certificate, serverName, trusted());
    const made = createTransport(
      trust.kind === 'own' ? { ca: undefined, serverName, judge } : { ca: trust.ca, serverName },
    );
    transports.set(serverName, made);
    return made;
  };
  return {
    at: ({ addresses, serverName }, token) => ({
      call: (what) => {
        const transport = transportFor(serverName);
        // Others each time: the first address is the first to be asked.
        const all = servers({ addresses: () => addresses, transport, query: {}, onRequest, mayWrite });
        return all.call(what, token);
      },
    }),
    servedSerial: (place) => servedSerial(place, trusted),
    close: async () => {
      await Promise.all([...transports.values()].map((transport) => transport.close()));
    },
  };
}

/** Tokens and keys are in these answers, so a message shows no part of one that cannot be read. */
export function unquoted<T>(read: (raw: RawAnswer) => T): (raw: RawAnswer) => T {
  return (raw) => {
    try {
      return read(raw);
    } catch {
      throw new Error(`status ${raw.status}, and not of the form that Consul documents`);
    }
  };
}

/** Dates do not count: if everything has expired, this is the way back. */
function problemOf(
  certificate: X509Certificate | undefined,
  serverName: ConsulPlace['serverName'],
  trusted: readonly string[],
): string | undefined {
  if (certificate === undefined) return 'the server shows no certificate';
  const pem = certificate.toString();
  if (!trusted.some((ca) => isSignedBy(pem, ca)))
    return 'the certificate of the server is of a CA that is not trusted';
  return serverName === undefined || certificate.checkHost(serverName) === undefined
    ? `the certificate of the server is not for ${serverName}`
    : undefined;
}

function servedSerial(
  { addresses, serverName }: ConsulPlace,
  trusted: () => readonly string[],
): Promise<string> {
  const { hostname, port } = new URL(addresses[0] ?? '');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port),
      ...(serverName === undefined ? {} : { servername: serverName }),
      rejectUnauthorized: false,
      timeout: HANDSHAKE_MILLISECONDS,
    });
    const end = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      const problem = problemOf(certificate, serverName, trusted());
      if (problem !== undefined || certificate === undefined) return end(new Error(problem));
      socket.destroy();
      resolve(certificate.serialNumber);
    });
    socket.once('timeout', () => end(new Error(`no handshake within ${HANDSHAKE_MILLISECONDS} ms`)));
    socket.once('error', end);
  });
}
