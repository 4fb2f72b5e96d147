/** The two servers of `tandem webhook` as one: started together, and stopped without losing a request. */
import { once } from 'node:events';
import type { Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { admissionServer, REQUEST_TIMEOUT, type AdmissionDependencies } from './admission-server.ts';
import { trackConnections, type Connections } from './connections.ts';
import { listen, type HostAndPort } from './listen.ts';
import { statusServer, type StatusDependencies } from './status-server.ts';

/** Milliseconds after the listeners closed; then the connection is cut. */
type Patience = { readonly withUnused: number; readonly withRequests: number };

// 5 s are what Go's own HTTP server gives a connection that has not asked for anything (net/http, Server.Shutdown).
const PATIENCE: Patience = { withUnused: 5000, withRequests: REQUEST_TIMEOUT };

// An API server has at most 200 changes in flight (kube-apiserver, --max-mutating-requests-inflight), so this is five of
// them. An idle connection holds about 85 kB, so a thousand strangers cannot fill the 256 MiB of the deployment.
const MOST_CONNECTIONS = 1000;

export type WebhookDependencies = Omit<AdmissionDependencies, 'isReady' | 'isDraining' | 'tls'> &
  Omit<StatusDependencies, 'notReady'> & {
    /** Undefined while there is none: handshakes fail, and the status port says why. */
    readonly certificate: () => { readonly certificate: string; readonly key: string } | undefined;
    /** Undefined when the certificate can be served, else what is wrong with it. */
    readonly certificateProblem: () => string | undefined;
  };

export type Webhook = {
  readonly listen: (
    tls: HostAndPort,
    status: HostAndPort,
  ) => Promise<{ readonly tls: string; readonly status: string }>;
  /** Serves another certificate to new connections; open ones continue. */
  readonly renew: () => void;
  /** Readiness goes first; after the delay the listeners close, and requests in flight finish. @param delay milliseconds */
  readonly stop: (delay: number, patience?: Patience) => Promise<void>;
};

export function webhook(dependencies: WebhookDependencies): Webhook {
  let draining = false;
  const notReady = (): string | undefined => {
    if (draining) return 'stopping';
    if (connections.isFull()) return 'every connection of the TLS port is waiting for an answer';
    return dependencies.certificateProblem();
  };
  const tlsOptions = (): { cert?: string; key?: string } => {
    const pair = dependencies.certificate();
    return pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
  };
  const admission = admissionServer({
    ...dependencies,
    tls: tlsOptions(),
    isReady: () => notReady() === undefined,
    isDraining: () => draining,
  });
  const status = statusServer({ ...dependencies, notReady });
  const connections = trackConnections(admission.server, MOST_CONNECTIONS, dependencies.onRefusal);
  return {
    listen: async (tls, plain) => {
      await Promise.all([admission.ready(), status.ready()]);
      try {
        return { tls: await listen(admission.server, tls), status: await listen(status.server, plain) };
      } catch (error) {
        await admission.close();
        throw error;
      }
    },
    renew: () => admission.server.setSecureContext({ ...tlsOptions(), minVersion: 'TLSv1.2' }),
    stop: async (delay, patience = PATIENCE) => {
      draining = true;
      await wait(delay);
      await closePatiently(admission.server, connections, patience);
      await admission.close();
      status.server.closeAllConnections();
      await status.close();
    },
  };
}

/** A closed server no longer times its requests out, so that is done here. */
async function closePatiently(server: Server, connections: Connections, patience: Patience): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const timers = [
    setTimeout(connections.closeUnused, patience.withUnused),
    setTimeout(connections.closeAll, patience.withRequests),
  ];
  await closed;
  for (const timer of timers) clearTimeout(timer);
}
