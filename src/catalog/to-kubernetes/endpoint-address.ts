/** Which addresses from Consul an EndpointSlice may have. */
import { isIpAddress } from '../../support/ip-address.ts';

export type EndpointAddress =
  | { readonly kind: 'ip'; readonly family: 'IPv4' | 'IPv6'; readonly address: string }
  /** The API server refuses a slice with it, or it is an address in an invalid form. */
  | { readonly kind: 'special' }
  | { readonly kind: 'host-name' };

// Unspecified, loopback, link-local and multicast (Kubernetes, ValidateEndpointIP), and what Go takes for IPv4.
const SPECIAL_IPV4 = /^(?:0\.0\.0\.0|127\.|169\.254\.|22[4-9]\.|23[0-9]\.)/;
const SPECIAL_IPV6 = /^(?:::1?$|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:|::ffff:)/;

// Texts that are not valid addresses, and that resolvers accept as one: with a zone, brackets, `127.1`, `0177.0.0.1`,
// `0x7f000001`. A name whose last label begins with a digit is no host name (RFC 3696, section 2; WHATWG URL, "ends in a number").
const DISGUISED = /[:%[\]]|(?:^|\.)[0-9][0-9a-fx]*\.?$/i;

/** IPv6 in the one form of RFC 5952, so that two spellings are one endpoint. */
export function endpointAddress(text: string): EndpointAddress {
  if (!isIpAddress(text)) return { kind: text === '' || DISGUISED.test(text) ? 'special' : 'host-name' };
  if (!text.includes(':'))
    return SPECIAL_IPV4.test(text) ? { kind: 'special' } : { kind: 'ip', family: 'IPv4', address: text };
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  return SPECIAL_IPV6.test(address) ? { kind: 'special' } : { kind: 'ip', family: 'IPv6', address };
}
