/** Where the agent of a host is. */
import { TandemError } from '../support/errors.ts';
import { hostAndPort, isIpAddress } from '../support/ip-address.ts';
import { quote } from '../support/text.ts';

/**
 * `http[s]://address:port`. Requests to it carry a token, and a URL parser finds a host in the most unlikely texts.
 *
 * @throws TandemError TANDEM_CONSUL_UNREACHABLE for what is no IP address
 */
export function agentUrl(
  host: string,
  { port, tls }: { readonly port: number; readonly tls: boolean },
): string {
  if (!isIpAddress(host))
    throw new TandemError(
      'TANDEM_CONSUL_UNREACHABLE',
      `the agent of the host ${quote(host)} is not asked: that is not an IP address`,
    );
  return `${tls ? 'https' : 'http'}://${hostAndPort(host, port)}`;
}
