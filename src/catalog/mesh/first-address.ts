/** Addresses as Kubernetes gives them. */
import { isIpAddress } from '../../support/ip-address.ts';
import { quote } from '../../support/text.ts';

/** Whatever Kubernetes gives as an address becomes a part of URLs, and requests to some of them have a token. */
export function firstAddress(
  at: string,
  texts: readonly string[],
): { readonly address: string | undefined; readonly refusedAddress: string | undefined } {
  const given = texts.filter((text) => text !== '');
  const address = given.find(isIpAddress);
  const [refused] = given;
  const isRefused = address === undefined && refused !== undefined;
  return {
    address,
    refusedAddress: isRefused ? `${at} is ${quote(refused)}, which is not an IP address` : undefined,
  };
}
