/** The plain port of a process: it listens, and can be closed. */
import { listen, type HostAndPort } from './listen.ts';
import { statusServer, type StatusDependencies } from './status-server.ts';

export type StatusPort = {
  /** `host:port` as it was bound. */
  readonly address: string;
  /** Ends what is open on it, too, such as the event streams of pages. */
  readonly close: () => Promise<void>;
};

/** @throws TandemError TANDEM_LISTEN_FAILED */
export async function openStatusPort(
  dependencies: StatusDependencies,
  address: HostAndPort,
): Promise<StatusPort> {
  const status = statusServer(dependencies);
  await status.ready();
  return {
    address: await listen(status.server, address),
    close: async () => {
      status.server.closeAllConnections();
      await status.close();
    },
  };
}
