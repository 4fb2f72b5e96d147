/** The embedded catalog: Consul's HTTP API and DNS in this process, for `tandem dev` and for tests. Nothing is kept. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { reasonOf, TandemError } from '../../src/support/errors.ts';
import { hostAndPort } from '../../src/support/ip-address.ts';
import type { JsonObject } from '../../src/support/json.ts';
import { emptyCatalog } from './catalog.ts';
import { withEntries } from './config-entries.ts';
import { startDnsServer } from './dns-server.ts';
import { createHttpServer } from './http-server.ts';
import { createStore } from './store.ts';

export type EmbeddedConsul = {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** UDP and TCP, on the same host. */
  readonly dnsPort: number;
  /** These config entries and no others, in Consul's spelling. */
  readonly setEntries: (entries: readonly JsonObject[]) => void;
  /** Ends every connection, blocking queries too. */
  readonly close: () => Promise<void>;
};

type EmbeddedOptions = {
  /** An address of this machine; loopback unless told, because nobody is asked for a token. */
  readonly host?: string;
  /** 0, or left out: a free one. */
  readonly httpPort?: number;
  readonly dnsPort?: number;
  readonly domain?: string;
  readonly datacenter?: string;
};

/** @throws TandemError TANDEM_LISTEN_FAILED */
export async function startEmbeddedConsul(options: EmbeddedOptions = {}): Promise<EmbeddedConsul> {
  const { host = '127.0.0.1', httpPort = 0, dnsPort = 0, domain = 'consul', datacenter = 'dc1' } = options;
  const store = createStore(emptyCatalog(datacenter));
  const http = createHttpServer(store);
  const port = await listen(http, host, httpPort);
  const closeHttp = async (): Promise<void> => {
    http.closeAllConnections();
    await once(http.close(), 'close');
  };
  const dns = await startDnsServer(store, { host, port: dnsPort, domain }).catch(async (error: unknown) => {
    await closeHttp();
    throw error;
  });
  return {
    url: `http://${hostAndPort(host, port)}`,
    dnsPort: dns.port,
    setEntries: (entries) => store.replace(withEntries(store.current(), entries)),
    close: async () => {
      await Promise.all([closeHttp(), dns.close()]);
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  try {
    await once(server.listen(port, host), 'listening');
  } catch (cause) {
    throw new TandemError(
      'TANDEM_LISTEN_FAILED',
      `cannot listen on ${host}:${port}: ${reasonOf(cause)}`,
      cause,
    );
  }
  return (server.address() as AddressInfo).port;
}
