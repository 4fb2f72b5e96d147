/** The page of a status that the test sets, over a real socket. */
import type { AddressInfo } from 'node:net';
import { changeSignal } from '../../../src/reporting/change-signal.ts';
import type { Status } from '../../../src/status-page/status.ts';
import { statusServer } from '../../../src/http/status-server.ts';

export type ServedPage = {
  readonly url: string;
  /** From now on it is this one, and the readers are told. */
  readonly become: (status: Status) => void;
  readonly close: () => Promise<void>;
};

export async function servePage(first: Status): Promise<ServedPage> {
  const changes = changeSignal();
  let status = first;
  const server = statusServer({
    title: 'Tandem sync',
    version: '1.2.3',
    notReady: () => undefined,
    metrics: async () => '',
    metricsType: 'text/plain',
    status: () => status,
    onStatusChange: changes.onChange,
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    become: (next) => {
      status = next;
      changes.changed();
    },
    close: async () => {
      server.server.closeAllConnections();
      await server.close();
    },
  };
}
