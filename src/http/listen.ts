/** A server on an address, or an error that names it. */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { reasonOf, TandemError } from '../support/errors.ts';

export type HostAndPort = { readonly host: string; readonly port: number };

/**
 * Resolves with `host:port` as it was bound. It does not use Fastify's listen: for `localhost` that opens a second server, which would
 * keep its first certificate.
 *
 * @throws TandemError TANDEM_LISTEN_FAILED
 */
export async function listen(server: Server, address: HostAndPort): Promise<string> {
  try {
    const listening = once(server, 'listening');
    server.listen(address);
    await listening;
  } catch (cause) {
    throw new TandemError(
      'TANDEM_LISTEN_FAILED',
      `cannot listen on ${address.host}:${address.port}: ${reasonOf(cause)}`,
      cause,
    );
  }
  const bound = server.address() as AddressInfo;
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}
