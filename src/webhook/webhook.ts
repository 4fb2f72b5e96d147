/** The two servers of `tandem webhook` as one: started together, and stopped without losing a request. */
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { TandemError } from '../support/errors.ts';
import { admissionServer, type AdmissionDependencies } from './admission-server.ts';
import { statusServer, type StatusDependencies } from './status-server.ts';

export type ListenAddress = { readonly host: string; readonly port: number };

export type WebhookDependencies = Omit<AdmissionDependencies, 'isReady' | 'isDraining' | 'tls'> &
  Omit<StatusDependencies, 'notReady'> & {
    readonly certificate: () => { readonly certificate: string; readonly key: string };
    /** Undefined when the certificate can be served, else what is wrong with it. */
    readonly certificateProblem: () => string | undefined;
  };

export type Webhook = {
  readonly listen: (
    tls: ListenAddress,
    status: ListenAddress,
  ) => Promise<{ readonly tls: string; readonly status: string }>;
  /** Serves another certificate to new connections; those that are open go on. */
  readonly renew: () => void;
  /** Readiness goes first, then requests in flight finish, then the listeners close. @param delay milliseconds */
  readonly stop: (delay: number) => Promise<void>;
};

export function webhook(dependencies: WebhookDependencies): Webhook {
  let draining = false;
  const notReady = (): string | undefined => (draining ? 'stopping' : dependencies.certificateProblem());
  const tlsOptions = (): { cert: string; key: string } => {
    const { certificate, key } = dependencies.certificate();
    return { cert: certificate, key };
  };
  const admission = admissionServer({
    ...dependencies,
    tls: tlsOptions(),
    isReady: () => notReady() === undefined,
    isDraining: () => draining,
  });
  const status = statusServer({ ...dependencies, notReady });
  return {
    listen: async (tls, plain) => {
      try {
        return { tls: await listen(admission, tls), status: await listen(status, plain) };
      } catch (error) {
        await admission.close();
        throw error;
      }
    },
    renew: () => admission.server.setSecureContext({ ...tlsOptions(), minVersion: 'TLSv1.2' }),
    stop: async (delay) => {
      draining = true;
      await wait(delay);
      await admission.close();
      await status.close();
    },
  };
}

type Listening = {
  listen: (address: ListenAddress) => Promise<string>;
  readonly server: { address: () => AddressInfo | string | null };
};

async function listen(server: Listening, address: ListenAddress): Promise<string> {
  try {
    await server.listen(address);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason';
    throw new TandemError(
      'TANDEM_LISTEN_FAILED',
      `cannot listen on ${address.host}:${address.port}: ${reason}`,
      cause,
    );
  }
  const bound = server.server.address() as AddressInfo;
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}
